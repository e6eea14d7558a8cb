//! The machine's clock for paths that cost less than reading it.

use std::time::Duration;

use jiff::Timestamp;
use rustix::time::{ClockId, Timespec, clock_gettime};
use s3_credential_core::{Clock, Moment, SystemClock};

/// The machine's own clock. Its coarse readings are those of the kernel's last timer tick: a few
/// nanoseconds, no system call, and right again at once after the machine was suspended.
#[derive(Debug, Clone, Copy, Default)]
pub struct KernelClock;

impl Clock for KernelClock {
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    fn elapsed(&self) -> Duration {
        duration(clock_gettime(ClockId::Monotonic))
    }

    fn coarse(&self) -> Moment {
        let now = clock_gettime(ClockId::RealtimeCoarse);
        Moment {
            now: timestamp(now).unwrap_or(Timestamp::MAX),
            elapsed: duration(clock_gettime(ClockId::MonotonicCoarse)),
        }
    }
}

fn timestamp(time: Timespec) -> Option<Timestamp> {
    Timestamp::new(time.tv_sec, i32::try_from(time.tv_nsec).ok()?).ok()
}

/// A monotonic clock counts up from the machine's start: neither part is ever negative or out of
/// range.
fn duration(time: Timespec) -> Duration {
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}
