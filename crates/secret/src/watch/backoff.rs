//! The pauses between calls that fail.

use std::time::Duration;

/// Pauses that double, each of a random length between half and all of it.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    last: Duration,
    next: Duration,
}

impl Backoff {
    pub(super) fn new(first: Duration, last: Duration) -> Self {
        Self { first, last, next: first }
    }

    /// After a failure.
    pub(super) fn pause(&mut self) -> Duration {
        let pause = self.next.min(self.last);
        self.next = pause.saturating_mul(2);
        pause.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// After a success.
    pub(super) fn reset(&mut self) {
        self.next = self.first;
    }
}
