//! One Secret that is followed: what is known of it, and the task that finds out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::{StreamExt as _, pin_mut};
use s3_credential_core::{Failure, Signal};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::keys::Values;
use crate::watch::api::{Change, SILENCE, SecretApi};
use crate::watch::backoff::Backoff;
use crate::watch::settings::{SecretNamespace, SecretWatchSettings};

/// No call follows sooner upon the one before.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// The Secret's values, or why there are none.
type Known = Result<Arc<Values>, Failure>;

pub(super) struct Followed {
    api: SecretApi,
    initial_backoff: Duration,
    max_backoff: Duration,
    /// Whether the watch ends once the Secret is gone and no caller asks for it: a namespace may be
    /// gone too.
    may_end: bool,
    /// `None` before the first answer.
    known: watch::Sender<Option<Known>>,
    signal: Signal,
    asked: AtomicBool,
}

impl Followed {
    pub(super) fn new(api: SecretApi, settings: &SecretWatchSettings, signal: Signal) -> Self {
        Self {
            api,
            initial_backoff: settings.initial_backoff.max(SHORTEST_PAUSE),
            max_backoff: settings.max_backoff.max(SHORTEST_PAUSE),
            may_end: settings.namespace == SecretNamespace::OfThePod,
            known: watch::Sender::new(None),
            signal,
            asked: AtomicBool::new(true),
        }
    }

    /// Returns the known state, after the first answer of the API server. Only the caller's
    /// deadline applies, as each call has its own.
    pub(super) async fn values(&self) -> Known {
        let mut known = self.known.subscribe();
        let answer = known.wait_for(Option::is_some).await;
        let answer = answer.ok().and_then(|known| known.clone());
        // The sender is ours: it does not close while we wait.
        answer.unwrap_or_else(|| Err(self.api.absent()))
    }

    /// Records that a caller asks for the Secret.
    pub(super) fn asked(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Finds out for as long as anybody may ask.
    pub(super) async fn run(self: Arc<Self>) {
        let mut backoff = Backoff::new(self.initial_backoff, self.max_backoff);
        loop {
            let began = Instant::now();
            match self.list_and_watch(&mut backoff).await {
                // A server that ends each watch at once is asked again no sooner than one that
                // fails.
                Ok(()) => sleep_until(began + self.initial_backoff).await,
                Err(failure) => {
                    self.fail(failure);
                    sleep(backoff.pause()).await;
                }
            }
            let was_asked = self.asked.swap(false, Ordering::Relaxed);
            if self.may_end && !was_asked && self.is_absent() {
                return;
            }
        }
    }

    async fn list_and_watch(&self, backoff: &mut Backoff) -> Result<(), Failure> {
        let (now, version) = self.api.list().await?;
        let changes = match self.api.watch(&version).await {
            Ok(changes) => {
                self.learn(now);
                changes
            }
            Err(failure) => {
                // Who may list and not watch is always refused, not by turns.
                if failure.is_retryable() {
                    self.learn(now);
                }
                return Err(failure);
            }
        };
        backoff.reset();
        pin_mut!(changes);
        while let Ok(Some(change)) = timeout(SILENCE, changes.next()).await {
            self.learn(change?);
        }
        Ok(())
    }

    fn learn(&self, change: Change) {
        match change {
            Change::Is(values) => self.know(Ok(Arc::new(values))),
            Change::Gone => self.know(Err(self.api.absent())),
            Change::None => {}
        }
    }

    /// While the API server is away, what it said last holds.
    fn fail(&self, failure: Failure) {
        let holds = |known: &Option<Known>| match known {
            None => false,
            Some(Ok(_)) => true,
            Some(Err(earlier)) => !earlier.is_retryable(),
        };
        tracing::warn!(kind = %failure.kind(), "a watched Secret cannot be followed: {failure}");
        if !(failure.is_retryable() && holds(&self.known.borrow())) {
            self.know(Err(failure));
        }
    }

    /// Reports what is new, but not the first answer, for which the callers wait.
    fn know(&self, now: Known) {
        let mut is_first = false;
        let is_new = self.known.send_if_modified(|known| {
            is_first = known.is_none();
            let is_new = known.as_ref() != Some(&now);
            *known = Some(now);
            is_new
        });
        if is_new && !is_first {
            self.signal.notify();
        }
    }

    fn is_absent(&self) -> bool {
        !matches!(*self.known.borrow(), Some(Ok(_)))
    }
}
