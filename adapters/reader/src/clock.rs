//! A clock that a command moves ahead.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use s3_credential_provider::Clock;

/// The machine's clock, and how far this one is ahead of it.
#[derive(Debug, Clone)]
pub(crate) struct AheadClock {
    start: Instant,
    ahead_seconds: Arc<AtomicU64>,
}

impl Default for AheadClock {
    fn default() -> Self {
        Self { start: Instant::now(), ahead_seconds: Arc::default() }
    }
}

impl AheadClock {
    pub(crate) fn advance(&self, by: Duration) {
        self.ahead_seconds.fetch_add(by.as_secs(), Ordering::Relaxed);
    }

    fn ahead(&self) -> Duration {
        Duration::from_secs(self.ahead_seconds.load(Ordering::Relaxed))
    }
}

impl Clock for AheadClock {
    fn now(&self) -> Timestamp {
        Timestamp::now().saturating_add(self.ahead()).unwrap_or(Timestamp::MAX)
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed() + self.ahead()
    }
}
