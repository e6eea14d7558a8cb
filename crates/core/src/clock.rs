//! The clock, by which time enters as a value.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

/// The source of time. Everything that needs the time takes a clock, so that a test can hold it
/// still.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Returns the wall-clock instant, as the system has it; it may jump.
    fn now(&self) -> Timestamp;

    /// Time since some fixed point; it never goes back. For measuring durations.
    fn elapsed(&self) -> Duration;

    /// Both readings, as cheap as the system has them and at most [`COARSE_TICK`] behind. For paths
    /// where reading the time would cost more than all the rest.
    fn coarse(&self) -> Moment {
        Moment { now: self.now(), elapsed: self.elapsed() }
    }
}

/// The most that a coarse reading may be behind: the longest timer tick of a Linux kernel
/// (`CONFIG_HZ=100`).
pub const COARSE_TICK: Duration = Duration::from_millis(10);

/// One moment on both clocks: what ends then has ended when either clock is there, so that neither
/// a jump of the wall clock nor a suspended machine makes it last longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// As [`Clock::now`].
    pub now: Timestamp,
    /// As [`Clock::elapsed`].
    pub elapsed: Duration,
}

impl Moment {
    /// A moment that no clock reaches.
    pub const NEVER: Self = Self { now: Timestamp::MAX, elapsed: Duration::MAX };

    /// Returns whether either clock has come to this moment.
    pub fn is_reached(&self, reading: &Self) -> bool {
        reading.now >= self.now || reading.elapsed >= self.elapsed
    }
}

#[deny(clippy::missing_trait_methods, reason = "a method that is not forwarded is lost")]
impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    fn elapsed(&self) -> Duration {
        (**self).elapsed()
    }

    fn coarse(&self) -> Moment {
        (**self).coarse()
    }
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[allow(clippy::disallowed_methods, reason = "the one place where the machine's time is read")]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        use std::sync::LazyLock;
        use std::time::Instant;
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
}
