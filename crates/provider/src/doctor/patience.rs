//! The durations of looks, and their time-out.

use std::future::Future;
use std::time::Duration;

use s3_credential_core::Clock;
use tokio::time::timeout;

/// Longer than any client's own patience by default, so that its own words are heard; STS is asked
/// after the region, so twice this is the longest.
const LONGEST: Duration = Duration::from_millis(4500);

/// A stop-watch, and an end to waiting.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience<'a> {
    pub(super) clock: &'a dyn Clock,
}

impl Patience<'_> {
    /// Returns the result, `None` if it timed out, and how long it took.
    pub(super) async fn wait<T>(&self, look: impl Future<Output = T>) -> (Option<T>, Duration) {
        let started = self.clock.elapsed();
        let found = timeout(LONGEST, look).await.ok();
        (found, self.clock.elapsed().saturating_sub(started))
    }

    /// Measures like [`Patience::wait`], for a function that does not wait.
    pub(super) fn time<T>(&self, look: impl FnOnce() -> T) -> (T, Duration) {
        let started = self.clock.elapsed();
        let found = look();
        (found, self.clock.elapsed().saturating_sub(started))
    }

    /// For a message.
    pub(super) fn none_in_time() -> String {
        format!("no answer within {} s", LONGEST.as_secs_f64())
    }
}
