//! From a context to credentials in hand: level, chain, region, delivery and, where keys are
//! needed, the exchange.

mod delegation;
mod exchange_cache;
mod materialize;
mod scope;
mod select;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use s3_credential_core::{
    Attempt, AuthenticationLevel, Clock, CredentialForm, CredentialSource, Delivery, Environment,
    Failure, FormKind, KeyExchange, Moment, RegionAnswer, RegionChain, ResolvedRegion, SourceChain,
    Warning,
};

use crate::error::ProvideError;
use crate::identity::Identity;
use crate::metrics::Metrics;
use crate::plugins::RetiredSources;
use crate::rotation::CircuitBreaker;

pub(crate) use exchange_cache::{Exchange, ExchangeCache};

/// The plug-ins, wired.
#[derive(Debug)]
pub(crate) struct Resolver {
    pub(crate) driver: SourceChain,
    pub(crate) pod: SourceChain,
    pub(crate) secret: SourceChain,
    pub(crate) region: RegionChain,
    pub(crate) exchanges: HashMap<FormKind, Arc<dyn KeyExchange>>,
    /// What was exchanged for the leases that there are.
    pub(crate) exchanged: ExchangeCache,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) circuit_breaker: Arc<CircuitBreaker>,
    /// The driver's, of which Mountpoint gets a part.
    pub(crate) environment: Environment,
    /// Sources that no chain names any more, for the leases that have them.
    pub(crate) retired: RetiredSources,
}

/// Whose credentials a volume gets, and what its source gives.
#[derive(Debug)]
pub(crate) struct Selected {
    pub(crate) identity: Identity,
    pub(crate) form: CredentialForm,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) region: RegionAnswer,
}

/// What a live lease has, and a refresh of it keeps to.
#[derive(Debug)]
pub(crate) struct PinnedIdentity {
    /// A running Mountpoint reads credentials in the way in which it was started, whatever is
    /// configured now.
    pub(crate) delivery: Delivery,
    /// What its keys were exchanged for; need not be done again as long as they are fresh.
    pub(crate) exchange: Option<Arc<Exchange>>,
    /// The region that it was last provided with.
    pub(crate) region: Option<ResolvedRegion>,
}

impl PinnedIdentity {
    /// Returns the form as the live mount takes it: Mountpoint exchanges a delegated token by
    /// itself, for as long as STS gives it.
    pub(crate) fn deliverable(&self, form: &CredentialForm) -> CredentialForm {
        let mut form = form.clone();
        if let (Delivery::Delegated, CredentialForm::WebIdentity(identity)) =
            (self.delivery, &mut form)
        {
            identity.session.duration = None;
        }
        form
    }
}

/// Credentials in hand, before anything is written.
#[derive(Debug, Clone)]
pub(crate) struct Resolved {
    /// What the source gave is whose.
    pub(crate) identity: Identity,
    /// The form that the source gave.
    pub(crate) given: FormKind,
    /// What is delivered: the source's form, or keys that it was exchanged for.
    pub(crate) form: CredentialForm,
    /// The exchange, if there was one.
    pub(crate) exchange: Option<Arc<Exchange>>,
    pub(crate) delivery: Delivery,
    pub(crate) region: Option<ResolvedRegion>,
    /// The origin of the role of a web identity, where its source knows it.
    pub(crate) role_origin: Option<Cow<'static, str>>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) region_attempts: Vec<Attempt>,
    pub(crate) warnings: Vec<Warning>,
}

impl Resolver {
    /// Reads both clocks.
    pub(crate) fn reading(&self) -> Moment {
        Moment { now: self.clock.now(), elapsed: self.clock.elapsed() }
    }

    pub(crate) fn chain(&self, level: AuthenticationLevel) -> &SourceChain {
        match level {
            AuthenticationLevel::Driver => &self.driver,
            AuthenticationLevel::Pod => &self.pod,
            AuthenticationLevel::Secret => &self.secret,
        }
    }

    /// The source of a live lease: of the level's chain, else a built-in one that the configuration
    /// no longer names.
    pub(crate) fn pinned_source(
        &self,
        level: AuthenticationLevel,
        name: &str,
    ) -> Option<Arc<dyn CredentialSource>> {
        let in_chain = self.chain(level).source(name).map(Arc::clone);
        in_chain.or_else(|| self.retired.source(name))
    }

    /// Returns the names of the sources that can report changes.
    pub(crate) fn sources_with_changes(&self) -> HashSet<String> {
        let sources =
            AuthenticationLevel::ALL.into_iter().flat_map(|level| self.chain(level).sources());
        sources
            .filter(|source| source.changes().is_some())
            .map(|source| source.name().to_owned())
            .collect()
    }
}

impl Resolved {
    /// An error that comes after the preparation, with what was said during it.
    pub(crate) fn error(&self, failure: Failure) -> ProvideError {
        ProvideError {
            failure,
            attempts: self.attempts.clone(),
            region_attempts: self.region_attempts.clone(),
        }
    }
}
