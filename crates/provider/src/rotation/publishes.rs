//! Publishes and the circuit breaker: a publish knows of an outage, and reports what it found.

use s3_credential_core::{Delivery, ErrorKind, Failure, ProvideContext, ResolvedRegion};

use super::{Probe, Service};
use crate::error::ProvideError;
use crate::identity::Identity;
use crate::lease::{Lease, LeaseKey, LeaseRecord, RecordedRegion};
use crate::provider::Provider;
use crate::publish::RepublishDecision;
use crate::resolve::Resolver;

impl Provider {
    /// Lets a republish ask the service behind the lease's source, or fails with the failure that
    /// is known. Returns `None` where the republish needs no service: its keys are fresh, or it
    /// brings a token that is delivered unchanged.
    pub(crate) fn admit_republish(
        &self,
        context: &ProvideContext,
        key: &LeaseKey,
        live: &LeaseRecord,
    ) -> Result<Option<Service>, ProvideError> {
        let Some(lease) = self.leases.get(&key.name) else { return Ok(None) };
        if !self.asks_service(context, &lease, live) {
            return Ok(None);
        }
        let service = Service::of_lease(live);
        let elapsed = self.resolver.clock.elapsed();
        match self.circuit_breaker.admit(&service, elapsed, Probe::WAITING) {
            Err(shared) if is_outage(&shared.failure) => Err(shared.failure.into()),
            _ => Ok(Some(service)),
        }
    }

    fn asks_service(&self, context: &ProvideContext, lease: &Lease, live: &LeaseRecord) -> bool {
        if !matches!(live.delivery(), Delivery::Profile | Delivery::Endpoint) {
            // What the rotation asked with these inputs gets the same answer again.
            return lease.context == *context;
        }
        let is_fresh = live.refresh_at.is_some_and(|at| at > self.resolver.clock.now());
        lease.exchange.is_none() || !is_fresh
    }

    /// Reports what a republish found of the service.
    pub(crate) fn report_republish(
        &self,
        service: &Service,
        decision: &Result<RepublishDecision, ProvideError>,
    ) {
        let failure = decision.as_ref().err().map(|error| &error.failure);
        let elapsed = self.resolver.clock.elapsed();
        self.circuit_breaker.report(service, elapsed, Probe::WAITING, failure);
    }
}

impl Resolver {
    /// Lets the exchange of a first publish ask the service, unless it failed several times for
    /// other volumes, and just now.
    pub(crate) fn admit_exchange(&self, service: &Service) -> Result<(), Failure> {
        let elapsed = self.clock.elapsed();
        match self.circuit_breaker.admit(service, elapsed, Probe::WAITING) {
            Err(shared) if shared.is_confirmed && is_outage(&shared.failure) => Err(shared.failure),
            _ => Ok(()),
        }
    }

    /// Reports what an exchange of a first publish found of the service.
    pub(crate) fn report_exchange<T>(&self, service: &Service, exchanged: &Result<T, Failure>) {
        let failure = exchanged.as_ref().err();
        self.circuit_breaker.report(service, self.clock.elapsed(), Probe::WAITING, failure);
    }
}

impl Service {
    pub(crate) fn of_lease(record: &LeaseRecord) -> Self {
        let region = record.region.as_ref().map(RecordedRegion::name);
        Self::new(record.identity.source.as_deref(), region)
    }

    pub(crate) fn of_publish(identity: &Identity, region: Option<&ResolvedRegion>) -> Self {
        Self::new(identity.source.as_deref(), region.map(|resolved| resolved.region.as_str()))
    }
}

/// Whether the service is down. While it limits the rate, callers wait for their turn instead.
fn is_outage(failure: &Failure) -> bool {
    matches!(failure.kind(), ErrorKind::Unavailable | ErrorKind::TimedOut)
}
