//! The time that one call may take in all, whatever it waits for.

use std::future::Future;
use std::time::Duration;

use s3_credential_core::{ErrorKind, Failure};
use tokio::time::{Instant, timeout_at};

use crate::error::ProvideError;
use crate::provider::Provider;

/// The end of a call's time. It is set once, at the start of the call, and handed down.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    /// `None` where it is further away than any clock counts.
    at: Option<Instant>,
    in_all: Duration,
}

impl Provider {
    /// Starts the time of one call.
    pub(crate) fn deadline(&self) -> Deadline {
        let in_all = self.settings.operation_timeout;
        Deadline { at: Instant::now().checked_add(in_all), in_all }
    }
}

impl Deadline {
    /// Returns a deadline after half of the time that is left.
    pub(crate) fn half(self) -> Self {
        let now = Instant::now();
        let at = self.at.map(|at| now + at.saturating_duration_since(now) / 2);
        Self { at, ..self }
    }

    /// Waits for `work`, and no longer than the call may take.
    pub(crate) async fn limit<T>(
        self,
        work: impl Future<Output = Result<T, ProvideError>>,
    ) -> Result<T, ProvideError> {
        self.wait(work).await.unwrap_or_else(|| Err(self.passed().into()))
    }

    /// As [`Deadline::limit`], for work that fails without attempts.
    pub(crate) async fn limit_failure<T>(
        self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        self.wait(work).await.unwrap_or_else(|| Err(self.busy()))
    }

    /// Waits for the lock of a volume.
    pub(crate) async fn limit_lock<T>(self, lock: impl Future<Output = T>) -> Result<T, Failure> {
        self.wait(lock).await.ok_or_else(|| self.busy())
    }

    async fn wait<T>(self, work: impl Future<Output = T>) -> Option<T> {
        match self.at {
            // Work that is late already is not even begun.
            Some(at) if Instant::now() >= at => None,
            Some(at) => timeout_at(at, work).await.ok(),
            None => Some(work.await),
        }
    }

    fn passed(self) -> Failure {
        Failure::new(
            ErrorKind::TimedOut,
            format!("cannot decide the credentials within {} s", self.in_all.as_secs_f64()),
        )
    }

    fn busy(self) -> Failure {
        Failure::new(
            ErrorKind::Busy,
            format!(
                "another operation on the same volume has not ended within {} s",
                self.in_all.as_secs_f64()
            ),
        )
    }
}
