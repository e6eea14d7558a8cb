//! `provide`: from a context to a lease. All or nothing, and never to the harm of what a live mount has.

use std::sync::Arc;

use s3_credential_core::{
    CleanupContext, ErrorKind, Failure, MountTarget, ProvideContext, PublishRequest,
    UnpublishRequest,
};
use s3_credential_delivery::WritePath;

use super::deliver::Intent;
use super::fast_path::{Decision, FastPath};
use super::provided::Provided;
use crate::error::ProvideError;
use crate::lease::LockedEntry;
use crate::lease::{LeaseKey, LeaseRecord};
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
                Ok(context) if mounted != Some(false) => self
                    .find_lease(&context)
                    .is_ok_and(|found| found.is_some_and(|(_, record)| record.is_live())),
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
            FastPath::Miss(decided) => self.provide_locked(context, decided).await,
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
        let live = match (&entry, context.target().mounted) {
            (_, Some(false)) => None,
            (Ok(entry), _) => entry.live(),
            (Err(_), _) => self.journal.read_live(&key).ok().flatten().map(Arc::new),
        };
        // The caller may know of a mount that the journal has lost, and another version of one that this one cannot read.
        let is_mounted = context.target().mounted.unwrap_or_else(|| {
            live.is_some() || entry.as_ref().is_ok_and(LockedEntry::is_unreadable)
        });
        let mut result = match &mut entry {
            Ok(entry) => match write_path {
                Ok(path) => {
                    self.provide_lease(context, entry, &path, live.as_deref(), decided).await
                }
                Err(failure) => Err(failure.into()),
            },
            Err(failure) => Err(failure.clone().into()),
        };
        if is_mounted {
            result = result.map_err(ProvideError::of_live_lease);
        }
        if let (Err(_), Ok(entry)) = (&result, entry)
            && entry.is_new()
        {
            // The failure that led here is the one to tell.
            let _ = entry.remove();
        }
        result
    }

    async fn provide_lease(
        &self,
        context: &ProvideContext,
        entry: &mut LockedEntry,
        write_path: &WritePath,
        live: Option<&LeaseRecord>,
        decided: Option<Box<Decision>>,
    ) -> Result<Provided, ProvideError> {
        match live {
            None => self.publish(context, entry, write_path).await,
            Some(live) => self.republish(context, entry, write_path, live, decided).await,
        }
    }

    async fn publish(
        &self,
        context: &ProvideContext,
        entry: &mut LockedEntry,
        write_path: &WritePath,
    ) -> Result<Provided, ProvideError> {
        let resolved = self.resolve(context).await?;
        self.deliver(context, entry, write_path, resolved, Intent::Publish)
    }

    async fn republish(
        &self,
        context: &ProvideContext,
        entry: &mut LockedEntry,
        write_path: &WritePath,
        live: &LeaseRecord,
        decided: Option<Box<Decision>>,
    ) -> Result<Provided, ProvideError> {
        let choice = match decided.filter(|decided| decided.is_about(live)) {
            Some(decided) => decided.choice,
            None => self.decide(context, &entry.key, live).await,
        };
        match choice? {
            RepublishDecision::Deliver { resolved, identity_changed } => {
                let provided =
                    self.deliver(context, entry, write_path, resolved, Intent::Publish)?;
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
        let again = self.renew(context, key, live).await;
        match (again, chosen) {
            (Ok(Some(resolved)), chosen) => {
                let (identity_changed, attempts) = match chosen {
                    Ok(other) => (true, other.attempts),
                    Err(error) => (false, error.attempts),
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
