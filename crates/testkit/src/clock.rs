//! Clocks for tests: one that is moved by hand, one that follows tokio's (paused) time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
pub use s3_credential_core::{Clock, SystemClock};
use tokio::time::Instant;

use crate::lock;

/// Stands still until it is moved. Clones share the time.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<Mutex<Reading>>);

#[derive(Debug, Clone, Copy)]
struct Reading {
    now: Timestamp,
    elapsed: Duration,
}

impl ManualClock {
    /// Makes a clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Reading { now, elapsed: Duration::ZERO })))
    }

    /// Time passes.
    pub fn advance(&self, by: Duration) {
        self.change(|reading| {
            reading.now += by;
            reading.elapsed += by;
        });
    }

    /// The wall clock jumps, as after an NTP correction; [`Clock::elapsed`] does not.
    pub fn set(&self, now: Timestamp) {
        self.change(|reading| reading.now = now);
    }

    fn change(&self, change: impl FnOnce(&mut Reading)) {
        change(&mut lock(&self.0));
    }

    fn read(&self) -> Reading {
        *lock(&self.0)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.read().now
    }

    fn elapsed(&self) -> Duration {
        self.read().elapsed
    }
}

/// Follows tokio's clock from a given instant on, so that paused time is everyone's time.
#[derive(Debug, Clone, Copy)]
pub struct TokioClock {
    start: Timestamp,
    started: Instant,
}

impl TokioClock {
    /// Makes a clock that shows `start` at this moment of tokio's time.
    pub fn new(start: Timestamp) -> Self {
        Self { start, started: Instant::now() }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        self.start + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}
