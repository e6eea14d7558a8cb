//! `provide`: from a context to a lease. It is atomic, and never harms a live mount.

use std::sync::Arc;

use s3_credential_core::{
    Attempt, CleanupContext, ErrorKind, Failure, MountTarget, Outcome, ProvideContext,
    PublishRequest, UnpublishRequest,
};
use s3_credential_delivery::WritePath;

use super::deliver::Intent;
use super::fast_path::{Decision, FastPath};
use super::provided::Provided;
use crate::deadline::Deadline;
use crate::error::ProvideError;
use crate::lease::Lease;
use crate::lease::{LeaseKey, LeaseRecord};
use crate::lease::{LockedEntry, MountState};
use crate::metrics::Cache;
use crate::provider::Provider;
use crate::resolve::{Resolved, Selected};

impl Provider {
    /// Parses a publish request. For a volume that is mounted a request that cannot be parsed is
    /// answered UNAVAILABLE, as every failure is then.
    pub fn context(
        &self,
        request: PublishRequest,
        target: MountTarget,
    ) -> Result<ProvideContext, ProvideError> {
        let unpublish = UnpublishRequest::new(&request.volume_id, &request.target_path);
        let write_path = target.write_path.clone();
        let pod = target.mountpoint_pod_uid.clone();
        let mounted = target.mounted;
        let failure = match ProvideContext::from_publish_request(request, target) {
            Ok(context) => return Ok(context),
            Err(failure) => ProvideError::from(failure),
        };
        let live =
            match CleanupContext::from_unpublish_request(&unpublish, write_path, pod.as_deref()) {
                Ok(context) if mounted != Some(false) => match self.find_lease(&context) {
                    Ok(found) => found.is_some_and(|record| record.is_live()),
                    // What may be mounted is not known.
                    Err(_) => true,
                },
                _ => false,
            };
        Err(if live { failure.of_live_lease() } else { failure })
    }

    /// Decides a volume's credentials, delivers them, and remembers the lease.
    ///
    /// The first call for a volume is atomic: a failure leaves no file. A further one (a republish)
    /// refreshes the identity that the volume was published with; it never takes away what a
    /// mounted volume has, and any failure of it is UNAVAILABLE.
    pub async fn provide(&self, context: &ProvideContext) -> Result<Provided, ProvideError> {
        let deadline = self.deadline();
        let metrics = &self.resolver.metrics;
        let (result, before) = match self.fast_path(context, deadline).await {
            FastPath::Hit(provided) => {
                metrics.looked_up(Cache::Republish, true);
                let result = Ok(*provided);
                metrics.provided(context.level(), &result);
                return result;
            }
            FastPath::Miss(decided) => {
                metrics.looked_up(Cache::Republish, false);
                let before = self.lease_held_by(context);
                // Boxed, so that a caller's future stays small.
                let provided = Box::pin(self.provide_locked(context, decided, deadline)).await;
                if provided.is_ok() {
                    self.leave_previous_lease(context, deadline).await;
                }
                (provided, before)
            }
        };
        self.resolver.metrics.provided(context.level(), &result);
        match &result {
            Ok(provided) if self.is_news(context, before.as_ref()) => tracing::info!(
                volume = context.volume_id(),
                level = %provided.level,
                source = provided.identity.source,
                delivery = %provided.delivery,
                identity_changed = provided.identity_changed,
                "credentials provided"
            ),
            Ok(_) => tracing::debug!(volume = context.volume_id(), "a republish brought no change"),
            Err(error) => {
                tracing::warn!(volume = context.volume_id(), kind = %error.kind(), "{error}");
            }
        }
        result
    }

    /// A target path that moves to another Mountpoint pod leaves the lease of the one before. The
    /// files of that lease stay until the cleanup, since its Mountpoint may still run.
    async fn leave_previous_lease(&self, context: &ProvideContext, deadline: Deadline) {
        let (volume_id, holder) = (context.volume_id(), context.target_path());
        if context.target().mountpoint_pod_uid.is_none() {
            return;
        }
        let current = LeaseKey::of(context).name;
        let others = match self.journal.records() {
            Ok(records) => records.filter(|record| record.is_held_by(volume_id, holder)),
            // The next publish tries again.
            Err(_) => return,
        };
        let others: Vec<_> = others.map(|record| LeaseKey::of_record(&record)).collect();
        for key in others.into_iter().filter(|key| key.name != current) {
            let left = deadline.limit_failure(self.leave(&key, holder)).await;
            if let Err(failure) = left {
                tracing::warn!(volume = volume_id, %failure, "the lease of the previous Mountpoint pod is still held");
            }
        }
    }

    /// The lease that this target path holds, as this process knows it.
    fn lease_held_by(&self, context: &ProvideContext) -> Option<Lease> {
        let name = self.leases.of_holder(context.volume_id(), context.target_path())?;
        self.leases.get(&name)
    }

    /// Whether a publish brought anything to report.
    fn is_news(&self, context: &ProvideContext, before: Option<&Lease>) -> bool {
        let now = self.lease_held_by(context);
        before.zip(now).is_none_or(|(before, now)| {
            now.brings_more_than(before)
                || now.record.expires_at != before.record.expires_at
                || now.identity_changed != before.identity_changed
        })
    }

    async fn provide_locked(
        &self,
        context: &ProvideContext,
        decided: Option<Box<Decision>>,
        deadline: Deadline,
    ) -> Result<Provided, ProvideError> {
        let write_path = WritePath::open(&context.target().write_path);
        let key = match &write_path {
            Ok(write_path) => LeaseKey::below(write_path, context),
            Err(_) => LeaseKey::of(context),
        };
        let guard = deadline.limit_lock(self.locks.lock(&key.name)).await;
        let mut entry = match &guard {
            Ok(_) => deadline.limit_failure(self.journal.lock(&key)).await,
            Err(busy) => Err(busy.clone()),
        };
        let mount = MountState::of_publish(context, &entry, write_path.as_ref().ok(), &key);
        let result = match (&mut entry, &write_path) {
            (Ok(entry), Ok(path)) => {
                self.provide_lease(context, entry, path, &mount, decided, deadline).await
            }
            (Err(failure), _) => Err(failure.clone().into()),
            (_, Err(failure)) => Err(failure.clone().into()),
        };
        let result = result
            .and_then(|provided| self.refuse_expired(provided))
            .map_err(|error| if mount.concerns(context) { error.of_live_lease() } else { error });
        if let (Err(error), Ok(entry), MountState::Live(live)) = (&result, &mut entry, &mount)
            && live.holders.contains(context.target_path())
        {
            entry.note_failure(&error.failure, self.resolver.clock.now());
        }
        if let (Err(_), Ok(entry)) = (&result, entry)
            && entry.is_new()
        {
            // A directory that could not be removed stays in the journal, for the next start to
            // remove.
            let is_left = write_path.is_ok_and(|path| path.contains(&key.directory));
            if !is_left || mount.may_be_mounted() {
                // The failure that led here is the one to report.
                let _ = entry.remove();
            }
        }
        result
    }

    async fn provide_lease(
        &self,
        context: &ProvideContext,
        entry: &mut LockedEntry,
        write_path: &WritePath,
        mount: &MountState,
        decided: Option<Box<Decision>>,
        deadline: Deadline,
    ) -> Result<Provided, ProvideError> {
        if let MountState::Live(live) = mount {
            let choice = match decided.filter(|decided| decided.is_about(live)) {
                Some(decided) => decided.choice,
                None => self.decide(context, &entry.key, live, deadline).await,
            };
            return self.republish(context, entry, write_path, live, choice?);
        }
        let resolved = self.resolve(context, deadline).await?;
        self.deliver(context, entry, write_path, resolved, mount, Intent::Publish)
    }

    /// Credentials that have expired are no success, whatever else worked.
    fn refuse_expired(&self, provided: Provided) -> Result<Provided, ProvideError> {
        if provided.expires_at.is_none_or(|at| at > self.resolver.clock.now()) {
            return Ok(provided);
        }
        let failure = Failure::new(
            ErrorKind::ExpiredToken,
            "the credentials of the volume have expired, and no newer ones were delivered",
        )
        .with_help(
            "check the source that the volume was published with, and the clock of the node",
        );
        Err(ProvideError {
            failure,
            attempts: provided.attempts,
            region_attempts: provided.region_attempts,
        })
    }

    fn republish(
        &self,
        context: &ProvideContext,
        entry: &mut LockedEntry,
        write_path: &WritePath,
        live: &Arc<LeaseRecord>,
        decision: RepublishDecision,
    ) -> Result<Provided, ProvideError> {
        match decision {
            RepublishDecision::Deliver { resolved, identity_changed } => {
                let mount = MountState::Live(Arc::clone(live));
                let provided =
                    self.deliver(context, entry, write_path, resolved, &mount, Intent::Publish)?;
                self.note_identity_changed(&entry.key.name, live, identity_changed);
                Ok(Provided { identity_changed, ..provided })
            }
            RepublishDecision::Keep(other) => self.keep(context, entry, live, other),
        }
    }

    /// What a publish brings to a live lease: what the chain chooses if it is the identity that the
    /// lease has, else that identity, refreshed by its own source.
    pub(crate) async fn decide(
        &self,
        context: &ProvideContext,
        key: &LeaseKey,
        live: &LeaseRecord,
        deadline: Deadline,
    ) -> Result<RepublishDecision, ProvideError> {
        refuse_to_share(context, live)?;
        let service = self.admit_republish(context, key, live)?;
        let decision = self.decide_by_asking(context, key, live, deadline).await;
        if let Some(service) = service {
            self.report_republish(&service, &decision);
        }
        decision
    }

    async fn decide_by_asking(
        &self,
        context: &ProvideContext,
        key: &LeaseKey,
        live: &LeaseRecord,
        deadline: Deadline,
    ) -> Result<RepublishDecision, ProvideError> {
        let resolver = &self.resolver;
        let asking = resolver.select(&self.settings, context);
        let chosen = match self.time_of_chain(context, live, deadline).limit(asking).await {
            Ok(chosen) if chosen.identity == live.identity => {
                let held = self.held(key, live);
                let ready = resolver.materialize(&self.settings, context, chosen, Some(&held));
                let resolved = deadline.limit(ready).await?;
                return Ok(RepublishDecision::Deliver { resolved, identity_changed: false });
            }
            Err(error) if self.would_repeat(context, live, &error) => return Err(error),
            chosen => chosen,
        };
        let again = self.renew(context, key, live, deadline).await;
        match (again, chosen) {
            (Ok(Some(resolved)), chosen) => {
                let (identity_changed, attempts) = match chosen {
                    Ok(other) => (true, other.attempts),
                    // The chain comes to no identity any more: a change as well, unless it may
                    // pass.
                    Err(error) => (!error.is_retryable(), error.attempts),
                };
                let resolved = Resolved { attempts, ..resolved };
                Ok(RepublishDecision::Deliver { resolved, identity_changed })
            }
            (Ok(None), Ok(other)) => Ok(RepublishDecision::Keep(other)),
            (_, Err(error)) => Err(error),
            (Err(error), Ok(other)) => Err(ProvideError {
                attempts: other.attempts,
                region_attempts: other.region.attempts,
                ..error
            }),
        }
    }

    /// Returns the time that the chain has. Where another source comes before the lease's own, its
    /// silence leaves half of the time to the renewal.
    fn time_of_chain(
        &self,
        context: &ProvideContext,
        live: &LeaseRecord,
        deadline: Deadline,
    ) -> Deadline {
        let first = self.resolver.chain(context.level()).sources().next();
        let is_own = first.map(|source| source.name()) == live.identity.source.as_deref();
        if is_own { deadline } else { deadline.half() }
    }

    /// Returns whether a renewal would ask the lease's source for the same again: it gave no answer
    /// to the chain, and a role that is known already would spare it no look-up.
    fn would_repeat(
        &self,
        context: &ProvideContext,
        live: &LeaseRecord,
        error: &ProvideError,
    ) -> bool {
        let Some(name) = live.identity.source.as_deref() else { return false };
        let has_failed =
            |attempt: &Attempt| attempt.outcome == Outcome::Failed && attempt.plugin == name;
        let looks_role_up = || {
            let source = self.resolver.chain(context.level()).source(name);
            source.is_some_and(|source| source.looks_role_up())
        };
        error.is_retryable()
            && error.attempts.iter().any(has_failed)
            && (live.identity.role_arn.is_none() || !looks_role_up())
    }
}

/// What a publish brings to a live lease.
pub(crate) enum RepublishDecision {
    /// New credentials of the identity that it has; perhaps the chain would now choose another one.
    Deliver { resolved: Resolved, identity_changed: bool },
    /// No delivery: its own source no longer applies, and it cannot take what the chain would
    /// choose.
    Keep(Selected),
}

/// Refuses a pod with another identity: Mountpoint has one identity for all pods that share its
/// mount.
fn refuse_to_share(context: &ProvideContext, live: &LeaseRecord) -> Result<(), Failure> {
    let joins = !live.holders.contains(context.target_path());
    if !joins || live.identity.is_on_behalf_of(context) {
        return Ok(());
    }
    Err(Failure::new(
        ErrorKind::PermissionDenied,
        "the mount is used by volumes of another authentication level or service account",
    )
    .with_help("share a Mountpoint pod only between pods of one service account"))
}
