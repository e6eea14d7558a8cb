//! `provide`: from a context to a lease. All or nothing, and never to the harm of what a live mount has.

use std::sync::Arc;

use s3_credential_core::{
    Attempt, CleanupContext, ErrorKind, Failure, MountTarget, Outcome, ProvideContext,
    PublishRequest, UnpublishRequest,
};
use s3_credential_delivery::WritePath;

use super::deliver::Intent;
use super::fast_path::{Decision, FastPath};
use super::provided::Provided;
use crate::error::ProvideError;
use crate::lease::{LeaseKey, LeaseRecord};
use crate::lease::{LockedEntry, MountState};
use crate::provider::Provider;
use crate::resolve::{Resolved, Selected};
use crate::rotation::Event;

impl Provider {
    /// Parses a publish request. For a volume that is mounted a request that cannot be parsed is answered UNAVAILABLE, as every
    /// failure is then.
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
    /// The first call for a volume is all or nothing. A further one (a republish) refreshes the identity that the volume was
    /// published with; it never takes away what a mounted volume has, and any failure of it is UNAVAILABLE.
    pub async fn provide(&self, context: &ProvideContext) -> Result<Provided, ProvideError> {
        let result = match self.fast_path(context).await {
            FastPath::Hit(provided) => Ok(*provided),
            FastPath::Miss(decided) => {
                // Boxed, so that a caller's future stays small.
                let provided = Box::pin(self.provide_locked(context, decided)).await;
                if provided.is_ok() {
                    self.leave_previous_lease(context).await;
                }
                provided
            }
        };
        match &result {
            Ok(provided) => tracing::info!(
                volume = context.volume_id(),
                level = %provided.level,
                source = provided.identity.source,
                delivery = %provided.delivery,
                identity_changed = provided.identity_changed,
                "credentials provided"
            ),
            Err(error) => {
                tracing::warn!(volume = context.volume_id(), kind = %error.kind(), "{error}");
            }
        }
        result
    }

    /// A target path that moves to another Mountpoint pod leaves the lease of the one before. The files of that lease stay until
    /// the cleanup, since its Mountpoint may still run.
    async fn leave_previous_lease(&self, context: &ProvideContext) {
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
            if let Err(failure) = self.leave(&key, holder).await {
                tracing::warn!(volume = volume_id, %failure, "the lease of the previous Mountpoint pod is still held");
            }
        }
    }

    async fn provide_locked(
        &self,
        context: &ProvideContext,
        decided: Option<Box<Decision>>,
    ) -> Result<Provided, ProvideError> {
        let write_path = WritePath::open(&context.target().write_path);
        let key = match &write_path {
            Ok(write_path) => LeaseKey::below(write_path, context),
            Err(_) => LeaseKey::of(context),
        };
        let _guard = self.locks.lock(&key.name).await;
        let mut entry = self.journal.lock(&key).await;
        let mount = MountState::of_publish(context, &entry, write_path.as_ref().ok(), &key);
        let result = match (&mut entry, &write_path) {
            (Ok(entry), Ok(path)) => {
                self.provide_lease(context, entry, path, &mount, decided).await
            }
            (Err(failure), _) => Err(failure.clone().into()),
            (_, Err(failure)) => Err(failure.clone().into()),
        };
        let result = result
            .and_then(|provided| self.refuse_expired(provided))
            .map_err(|error| if mount.concerns(context) { error.of_live_lease() } else { error });
        if let (Err(_), Ok(entry)) = (&result, entry)
            && entry.is_new()
        {
            // A directory that could not be removed stays in the journal, for the next start to remove.
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
    ) -> Result<Provided, ProvideError> {
        if let MountState::Live(live) = mount {
            return self.republish(context, entry, write_path, live, decided).await;
        }
        let resolved = self.resolve(context).await?;
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

    async fn republish(
        &self,
        context: &ProvideContext,
        entry: &mut LockedEntry,
        write_path: &WritePath,
        live: &Arc<LeaseRecord>,
        decided: Option<Box<Decision>>,
    ) -> Result<Provided, ProvideError> {
        let choice = match decided.filter(|decided| decided.is_about(live)) {
            Some(decided) => decided.choice,
            None => self.decide(context, &entry.key, live).await,
        };
        match choice? {
            RepublishDecision::Deliver { resolved, identity_changed } => {
                let mount = MountState::Live(Arc::clone(live));
                let provided =
                    self.deliver(context, entry, write_path, resolved, &mount, Intent::Publish)?;
                if identity_changed {
                    self.emit(Event::IdentityChanged { lease: live.id() });
                }
                Ok(Provided { identity_changed, ..provided })
            }
            RepublishDecision::Keep(other) => self.keep(context, entry, live, other),
        }
    }

    /// What a publish brings to a live lease: what the chain chooses if it is the identity that the lease has, else that identity,
    /// refreshed by its own source.
    pub(crate) async fn decide(
        &self,
        context: &ProvideContext,
        key: &LeaseKey,
        live: &LeaseRecord,
    ) -> Result<RepublishDecision, ProvideError> {
        refuse_to_share(context, live)?;
        let resolver = &self.resolver;
        let chosen = self.within_deadline(resolver.select(&self.settings, context)).await;
        let chosen = match chosen {
            Ok(chosen) if chosen.identity == live.identity => {
                let held = self.held(key, live);
                let ready = resolver.materialize(&self.settings, context, chosen, Some(&held));
                let resolved = self.within_deadline(ready).await?;
                return Ok(RepublishDecision::Deliver { resolved, identity_changed: false });
            }
            chosen => chosen,
        };
        if let Err(error) = &chosen
            && repeats(live, error)
        {
            return Err(error.clone());
        }
        let again = self.renew(context, key, live).await;
        match (again, chosen) {
            (Ok(Some(resolved)), chosen) => {
                let (identity_changed, attempts) = match chosen {
                    Ok(other) => (true, other.attempts),
                    // The chain comes to no identity any more: a change as well, unless it may pass.
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
}

/// What a publish brings to a live lease.
pub(crate) enum RepublishDecision {
    /// New credentials of the identity that it has; perhaps the chain would now choose another one.
    Deliver { resolved: Resolved, identity_changed: bool },
    /// Nothing: its own source no longer applies, and what the chain would choose it cannot take.
    Keep(Selected),
}

/// Whether a renewal would only ask the same source the same again: it gave no answer, and no role is pinned that it could look
/// up otherwise.
fn repeats(live: &LeaseRecord, error: &ProvideError) -> bool {
    let is_own = |attempt: &Attempt| {
        attempt.outcome == Outcome::Failed
            && Some(attempt.plugin.as_str()) == live.identity.source.as_deref()
    };
    live.identity.role_arn.is_none() && error.is_retryable() && error.attempts.iter().any(is_own)
}

/// Mountpoint has one identity for all who use its mount: who is somebody else may not join them.
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
