//! Keeping leases fresh: one task for the clock, and one for each source that reports changes.

mod circuit_breaker;
mod events;
mod publishes;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use s3_credential_core::{
    AuthenticationLevel, Changes, Clock as _, CredentialSource, ErrorKind, Failure, PodInfo,
};
use s3_credential_delivery::WritePath;
use tokio::sync::{Semaphore, broadcast};
use tokio::task::JoinSet;

use crate::deadline::Deadline;
use crate::error::ProvideError;
use crate::identity::Identity;
use crate::lease::Lease;
use crate::lease::{LeaseId, LeaseKey, LeaseRecord, LockedEntry, MountState};
use crate::provider::Provider;
use crate::publish::Intent;
use crate::settings::{RotationSettings, later};
use circuit_breaker::Shared;

pub(crate) use circuit_breaker::{CircuitBreaker, Probe, Service};
pub use events::Event;

/// However far away the next refresh is, the wall clock is looked at this often: it may have
/// jumped, or the machine may have slept.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// How a lease is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseStatus {
    /// The lease.
    pub lease: LeaseId,
    /// The pod of the last publish, as far as the kubelet named it.
    pub pod: PodInfo,
    /// Whose credentials it holds.
    pub identity: Identity,
    /// When they end.
    pub expires_at: Option<Timestamp>,
    /// When they are refreshed, or the refresh is tried again.
    pub refresh_at: Option<Timestamp>,
    /// Why the last refresh failed, if it did.
    pub last_error: Option<Failure>,
}

/// Keeps leases fresh until it is dropped.
#[derive(Debug)]
pub struct RotationHandle {
    tasks: JoinSet<()>,
}

impl RotationHandle {
    /// Stops refreshing, and returns when no refresh is under way.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

impl Provider {
    /// Refreshes leases when they are due and when their source reports a change, until the
    /// returned handle is dropped. To be called within a tokio runtime, once.
    #[must_use = "leases are kept fresh until this is dropped"]
    pub fn keep_fresh(&self) -> RotationHandle {
        let mut tasks = JoinSet::new();
        tasks.spawn(self.clone().refresh_what_is_due());
        for level in AuthenticationLevel::ALL {
            for source in self.resolver.chain(level).sources() {
                if let Some(changes) = source.changes() {
                    let name = source.name().to_owned();
                    tasks.spawn(self.clone().refresh_on_changes(name, changes));
                }
            }
        }
        RotationHandle { tasks }
    }

    /// What happens to leases from now on. A reader that falls far behind misses the oldest events.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// The leases of this process.
    pub fn leases(&self) -> Vec<LeaseStatus> {
        let status = |lease: Lease| LeaseStatus {
            lease: lease.record.id(),
            pod: lease.context.pod().clone(),
            identity: lease.record.identity.clone(),
            expires_at: lease.record.expires_at,
            refresh_at: lease.due_at.map(|due| due.now),
            last_error: lease.last_error.map(|error| *error),
        };
        self.leases.all().into_iter().map(status).collect()
    }

    async fn refresh_what_is_due(self) {
        let slots = Arc::new(Semaphore::new(self.settings.rotation.concurrency.into()));
        let mut refreshes = JoinSet::new();
        loop {
            while let Some(name) = self.leases.take_due(&self.resolver.reading()) {
                let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
                    return;
                };
                let provider = self.clone();
                refreshes.spawn(async move {
                    provider.refresh(&name).await;
                    drop(slot);
                });
            }
            while refreshes.try_join_next().is_some() {}
            let until_due = self.leases.next_due(&self.resolver.reading());
            let until_due = until_due.unwrap_or(LONGEST_SLEEP);
            tokio::select! {
                () = tokio::time::sleep(until_due.min(LONGEST_SLEEP)) => {}
                () = self.leases.rescheduled.notified() => {}
            }
        }
    }

    async fn refresh_on_changes(self, source: String, mut changes: Changes) {
        let concurrency = usize::from(self.settings.rotation.concurrency);
        loop {
            let change = changes.changed().await;
            let names = self.leases.of_source(&source, &change);
            let refresh = async |name: Arc<str>| self.refresh(&name).await;
            stream::iter(names).for_each_concurrent(concurrency, refresh).await;
        }
    }

    /// Refreshes one lease, if it is still there, and schedules what comes next.
    async fn refresh(&self, name: &str) {
        let _guard = self.locks.lock(name).await;
        let Some(lease) = self.leases.get(name) else {
            return;
        };
        let key = LeaseKey::of_record(&lease.record);
        let service = Service::of_lease(&lease.record);
        let asker = self.asker(&lease);
        if let Err(shared) =
            self.circuit_breaker.admit(&service, self.resolver.clock.elapsed(), asker)
        {
            if lease.last_error.is_none()
                && let Ok(mut entry) = self.journal.lock(&key).await
            {
                entry.note_failure(&shared.failure, self.resolver.clock.now());
            }
            return self.wait_for_source(name, lease, shared);
        }
        // A plug-in of a third party may panic: that is a failure of this lease, and of no other.
        let refreshed = AssertUnwindSafe(self.refresh_lease(&key, &lease)).catch_unwind().await;
        let refreshed = refreshed.unwrap_or_else(|_| Err(panicked().into()));
        let failure = refreshed.as_ref().err().map(|error| &error.failure);
        let ask_in =
            self.circuit_breaker.report(&service, self.resolver.clock.elapsed(), asker, failure);
        self.resolver.metrics.refreshed(lease.record.identity.source.as_deref(), failure);
        match refreshed {
            Ok(true) => {
                if let Some(refreshed) = self.leases.get(name) {
                    self.emit(Event::Refreshed {
                        lease: refreshed.record.id(),
                        expires_at: refreshed.record.expires_at,
                    });
                }
            }
            Ok(false) => {}
            Err(error) => self.put_off(name, lease, error.failure, ask_in.unwrap_or_default()),
        }
    }

    /// Whether anything new was delivered.
    async fn refresh_lease(&self, key: &LeaseKey, lease: &Lease) -> Result<bool, ProvideError> {
        let deadline = self.deadline();
        let mut entry = deadline.limit_failure(self.journal.lock(key)).await?;
        let Some(record) = entry.live() else {
            // Another process has cleaned up.
            self.leases.remove(&key.name);
            self.revoke_grant(&key.name)?;
            if entry.is_new() {
                entry.remove()?;
            }
            return Ok(false);
        };
        if let Err(error) = self.renew_and_deliver(&mut entry, lease, record, deadline).await {
            entry.note_failure(&error.failure, self.resolver.clock.now());
            return Err(error);
        }
        Ok(self.leases.get(&key.name).is_some_and(|new| new.brings_more_than(lease)))
    }

    async fn renew_and_deliver(
        &self,
        entry: &mut LockedEntry,
        lease: &Lease,
        record: Arc<LeaseRecord>,
        deadline: Deadline,
    ) -> Result<(), ProvideError> {
        let key = entry.key.clone();
        let resolved =
            self.renew(&lease.context, &key, &record, deadline).await?.ok_or_else(|| {
                Failure::new(
                    ErrorKind::NoSource,
                    "the source that the volume was published with no longer applies",
                )
            })?;
        let write_path = WritePath::open(&record.write_path)?;
        let mount = MountState::Live(record);
        self.deliver(&lease.context, entry, &write_path, resolved, &mount, Intent::Refresh)?;
        Ok(())
    }

    /// Returns how this lease waits for a source that is down. An adopted lease without known files
    /// cannot wait.
    fn asker(&self, lease: &Lease) -> Probe {
        let left = lease.files.as_ref().and_then(|_| self.left(lease));
        let left = left.and_then(|left| left.try_into().ok()).unwrap_or_default();
        Probe { left, failures: lease.failures }
    }

    fn left(&self, lease: &Lease) -> Option<SignedDuration> {
        let (record, now) = (&lease.record, self.resolver.clock.now());
        RotationSettings::left(record.delivery(), now, record.expires_at)
    }

    /// Reschedules a lease whose own refresh failed: after its backoff, and not before the circuit
    /// breaker admits it.
    fn put_off(&self, name: &str, lease: Lease, failure: Failure, ask_in: Duration) {
        let pause =
            self.settings.rotation.backoff(lease.failures, self.left(&lease)).max(signed(ask_in));
        let failures = lease.failures.saturating_add(1);
        let is_news = !lease.waits_for_republish(&failure);
        self.retry(name, Lease { failures, ..lease }, failure, pause, is_news);
    }

    /// The service behind the source is known to be down: this lease has not failed by itself, and
    /// asks when it is worth it.
    fn wait_for_source(&self, name: &str, lease: Lease, shared: Shared) {
        let is_news = lease.last_error.is_none();
        self.retry(name, lease, shared.failure, signed(shared.ask_in), is_news);
    }

    fn retry(
        &self,
        name: &str,
        lease: Lease,
        failure: Failure,
        pause: SignedDuration,
        is_news: bool,
    ) {
        let due_at = later(self.resolver.reading(), pause);
        let retry_at = due_at.now;
        if is_news {
            tracing::warn!(volume = lease.context.volume_id(), kind = %failure.kind(), %retry_at, "a refresh failed: {failure}");
            self.emit(Event::RefreshFailed {
                lease: lease.record.id(),
                failure: failure.clone(),
                retry_at,
                expires_at: lease.record.expires_at,
            });
        }
        let lease = Lease { due_at: Some(due_at), last_error: Some(Box::new(failure)), ..lease };
        self.leases.put(name, lease);
    }

    pub(crate) fn emit(&self, event: Event) {
        self.resolver.metrics.happened(&event);
        // Without a subscriber there is no one to send to.
        let _ = self.events.send(event);
    }
}

fn panicked() -> Failure {
    Failure::new(ErrorKind::Internal, "the credential source panicked during a refresh")
        .with_help("report it to the author of the source")
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
