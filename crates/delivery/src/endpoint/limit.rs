//! A rate limit in one atomic number.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// So many in a second, and as many at once (the generic cell rate algorithm, ITU-T I.371).
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    nanos_each: u64,
}

impl Rate {
    pub(super) fn per_second(count: u32) -> Self {
        Self { nanos_each: NANOS_PER_SECOND / u64::from(count.max(1)) }
    }
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// The time, in nanoseconds of `Clock::elapsed`, at which the admitted requests would have come at
/// an even pace.
#[derive(Debug, Default)]
pub(super) struct Admitted(AtomicU64);

impl Admitted {
    /// Returns whether one more may be answered now.
    pub(super) fn admit(&self, rate: Rate, now: Duration) -> bool {
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let next = |paced: u64| {
            let begin = paced.max(now);
            (begin - now < NANOS_PER_SECOND).then(|| begin.saturating_add(rate.nanos_each))
        };
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}
