//! The fast path of a republish without a change, which kubelets send all day. It is decided like
//! every other. It is then answered without a lock and without opening a file, if the lease's
//! record, directory and files are untouched since they were last compared.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;

use s3_credential_core::{Delivery, DeliveryPlan, EnvironmentValue, ProvideContext};
use s3_credential_delivery::{Generation, Stamp};

use super::provide::RepublishDecision;
use super::provided::Provided;
use crate::deadline::Deadline;
use crate::error::ProvideError;
use crate::lease::Lease;
use crate::lease::{Fingerprint, LeaseKey, LeaseRecord};
use crate::provider::Provider;
use crate::resolve::Exchange;
use crate::resolve::Resolved;

/// What is known of a republish without the lease's lock.
pub(crate) enum FastPath {
    /// No change.
    Hit(Box<Provided>),
    /// It needs the lock; perhaps it is decided.
    Miss(Option<Box<Decision>>),
}

/// What a publish brings to a lease with this record.
pub(crate) struct Decision {
    record: Arc<LeaseRecord>,
    pub(crate) choice: Result<RepublishDecision, ProvideError>,
}

impl Decision {
    /// Whether it is the same for this record, as far as the decision depends on one.
    pub(crate) fn is_about(&self, live: &LeaseRecord) -> bool {
        let record = &self.record;
        record.identity == live.identity
            && record.delivery == live.delivery
            && record.expires_at == live.expires_at
            && record.holders == live.holders
    }
}

impl Provider {
    /// Decides a republish that may be answered without the lock, and answers it if it can.
    pub(crate) async fn fast_path(&self, context: &ProvideContext, deadline: Deadline) -> FastPath {
        let (volume_id, holder) = (context.volume_id(), context.target_path());
        let Some(name) = self.leases.of_holder(volume_id, holder) else {
            return FastPath::Miss(None);
        };
        // Where the time passes here, the slow path reports it.
        let Ok(_guard) = deadline.limit_lock(self.locks.lock(&name)).await else {
            return FastPath::Miss(None);
        };
        let lease = self.leases.get(&name);
        let Some(lease) = lease.filter(|lease| self.may_be_unchanged(lease, context)) else {
            return FastPath::Miss(None);
        };
        let LeaseRecord { write_path, directory, .. } = &*lease.record;
        let (write_path, directory) = (write_path.clone(), directory.clone());
        let key = LeaseKey { write_path, directory, name: name.as_ref().to_owned() };
        let choice = match self.decide(context, &key, &lease.record, deadline).await {
            Ok(RepublishDecision::Deliver { resolved, identity_changed: false }) => {
                if let Some(environment) = self.unchanged(context, &key, &lease, &resolved) {
                    let provided = resolved.provided(context, &key, &lease.record, environment);
                    return FastPath::Hit(Box::new(provided));
                }
                Ok(RepublishDecision::Deliver { resolved, identity_changed: false })
            }
            choice => choice,
        };
        FastPath::Miss(Some(Box::new(Decision { record: lease.record, choice })))
    }

    /// Whether the lease is as fresh as can be, and the very same was asked for last time.
    fn may_be_unchanged(&self, lease: &Lease, context: &ProvideContext) -> bool {
        let is_due = || lease.record.refresh_at.is_some_and(|at| at <= self.resolver.clock.now());
        lease.fingerprint.is_some()
            && lease.last_error.is_none()
            && context.target().mounted != Some(false)
            && lease.context == *context
            && !is_due()
    }

    /// The environment, if what would be delivered is what was delivered, and is there still.
    fn unchanged(
        &self,
        context: &ProvideContext,
        key: &LeaseKey,
        lease: &Lease,
        resolved: &Resolved,
    ) -> Option<BTreeMap<String, EnvironmentValue>> {
        // A plan that cannot be made is reported under the lock.
        let plan = self.plan(context, key, resolved).ok()?;
        let exchange = |exchange: &Option<Arc<Exchange>>| exchange.as_ref().map(Arc::as_ptr);
        let is_same = lease.files.as_deref() == Some(plan.files.as_slice())
            && lease.record.identity == resolved.identity
            && lease.record.delivery() == plan.delivery
            && exchange(&lease.exchange) == exchange(&resolved.exchange);
        if !is_same {
            return None;
        }
        // By the path that was asked for: so it leads to the lease's directory still.
        let directory = context.target().write_path.join(&key.directory);
        let stamp = Stamp::of(&directory, plan.files.iter().map(|file| file.name)).ok();
        let now = self.fingerprint(stamp, self.journal.generation(&key.name), resolved, &plan)?;
        (lease.fingerprint == Some(now)).then_some(plan.environment)
    }

    /// Returns the fingerprint of what was just compared; `None` where a later write could not be
    /// distinguished from it.
    pub(crate) fn fingerprint(
        &self,
        stamp: Option<Stamp>,
        generation: Option<Generation>,
        resolved: &Resolved,
        plan: &DeliveryPlan,
    ) -> Option<Fingerprint> {
        // What the endpoint serves is in no file.
        let (stamp, generation) =
            stamp.zip(generation).filter(|_| plan.delivery != Delivery::Endpoint)?;
        let environment: Vec<_> =
            plan.environment.iter().map(|(name, value)| (name, value.expose())).collect();
        let expires_at = resolved.form.expires_at();
        NonZeroU64::new(self.leases.digest((stamp, generation, expires_at, environment)))
    }
}
