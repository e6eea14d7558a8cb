//! The side effects of a call of a plug-in: how long it blocks its thread, and what it logs.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::Duration;

use s3_credential_core::{Clock as _, SystemClock};
use tokio::time::timeout;
use tracing::instrument::WithSubscriber as _;

use crate::log::LogBuffer;

/// The longest time that a call may take, however its upstream fares.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A single poll that takes as long blocks its thread. A busy machine suspends a thread for less.
pub(super) const BLOCKING: Duration = Duration::from_secs(1);

/// The side effects of a call.
#[derive(Debug, Default)]
pub(super) struct Observed {
    pub(super) longest_poll: Duration,
    pub(super) log: LogBuffer,
}

impl Observed {
    /// Waits for an answer. `None` if there is none in time.
    pub(super) async fn wait<T>(&mut self, answer: impl Future<Output = T>) -> Option<T> {
        let mut answer = pin!(answer.with_subscriber(self.log.subscriber()));
        let measured = poll_fn(|context| {
            let began = SystemClock.elapsed();
            let polled = answer.as_mut().poll(context);
            let took = SystemClock.elapsed().saturating_sub(began);
            self.longest_poll = self.longest_poll.max(took);
            polled
        });
        timeout(PATIENCE, measured).await.ok()
    }
}
