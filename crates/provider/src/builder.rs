//! Building a provider: the default configuration, or one's own.

mod slots;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
#[cfg(feature = "sts")]
use std::time::Duration;

use s3_credential_core::{
    AuthenticationLevel, Clock, Consumer, Delivery, Environment, ErrorKind, Failure, FormKind,
    KeyExchange, RegionChain, SourceChain, SystemClock,
};

#[cfg(feature = "sts")]
use s3_credential_sts::StsSettings;
use tokio::sync::broadcast;

use crate::endpoint::Checkpoint;
use crate::error::ProvideError;
use crate::lease::Journal;
use crate::lease::LeaseTable;
use crate::metrics::Metrics;
use crate::plugins::{ChainSteps, RetiredSources, ServiceSettings, Slots};
use crate::provider::Provider;
use crate::resolve::ExchangeCache;
use crate::resolve::Resolver;
use crate::rotation::CircuitBreaker;
use crate::running::Started;
use crate::settings::{Scope, Settings, default_state_path};

/// How many events a slow reader may be behind before it misses the oldest.
const EVENTS_KEPT: usize = 1024;

/// What a configuration sets, wherever it was read.
#[derive(Debug, Default)]
pub(crate) struct Configuration {
    pub(crate) settings: Settings,
    pub(crate) services: ServiceSettings,
    pub(crate) chains: ChainSteps,
    /// Warnings about it, each with the key that it is about.
    pub(crate) warnings: Vec<(String, String)>,
}

/// Builds a [`Provider`]. Whatever is not set is the default of the documentation.
#[derive(Debug, Default)]
pub struct ProviderBuilder {
    environment: Environment,
    configuration: Option<Configuration>,
    slots: Slots,
    settings: Option<Settings>,
    state_path: Option<PathBuf>,
    delivery: Option<Delivery>,
    scope: Option<Scope>,
    consumer: Option<Consumer>,
    #[cfg(feature = "sts")]
    startup_jitter: Option<Duration>,
    clock: Option<Arc<dyn Clock>>,
    chains: HashMap<AuthenticationLevel, SourceChain>,
    region: Option<RegionChain>,
    exchanges: HashMap<FormKind, Arc<dyn KeyExchange>>,
}

impl ProviderBuilder {
    /// The driver's environment variables: which roles, keys, regions and endpoints it has. Empty
    /// by default, since a library does not read the process environment.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// What a configuration file sets.
    #[cfg(feature = "yaml")]
    pub(crate) fn configuration(mut self, configuration: Configuration) -> Self {
        self.configuration = Some(configuration);
        self
    }

    /// All settings at once, for a provider without a configuration file: with both, `build` fails.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = Some(settings);
        self
    }

    /// Where leases are remembered.
    #[must_use]
    pub fn state_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.state_path = Some(path.into());
        self
    }

    /// How credentials are delivered, instead of by their form's own delivery.
    #[must_use]
    pub fn delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = Some(delivery);
        self
    }

    /// What a volume's credentials may do: all that their role may, or only what the volume needs.
    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Who reads the environment.
    #[must_use]
    pub fn consumer(mut self, consumer: Consumer) -> Self {
        self.consumer = Some(consumer);
        self
    }

    /// Delays the first call of STS after the start by up to [`StsSettings::STARTUP_JITTER`] for
    /// each volume that waits, where the configuration sets no `startupJitter`. For a driver that
    /// all nodes of a cluster start together. Other programs do not wait.
    #[cfg(feature = "sts")]
    #[must_use]
    pub fn with_startup_jitter(mut self) -> Self {
        self.startup_jitter = Some(StsSettings::STARTUP_JITTER);
        self
    }

    /// The source of time.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// The chain of the driver level.
    #[must_use]
    pub fn driver_chain(mut self, chain: SourceChain) -> Self {
        self.chains.insert(AuthenticationLevel::Driver, chain);
        self
    }

    /// The chain of the pod level.
    #[must_use]
    pub fn pod_chain(mut self, chain: SourceChain) -> Self {
        self.chains.insert(AuthenticationLevel::Pod, chain);
        self
    }

    /// The chain of the secret level.
    #[must_use]
    pub fn secret_chain(mut self, chain: SourceChain) -> Self {
        self.chains.insert(AuthenticationLevel::Secret, chain);
        self
    }

    /// The region resolvers.
    #[must_use]
    pub fn region_chain(mut self, chain: RegionChain) -> Self {
        self.region = Some(chain);
        self
    }

    /// How one form is exchanged for keys.
    #[must_use]
    pub fn exchange(mut self, form: FormKind, exchange: impl KeyExchange) -> Self {
        self.exchanges.insert(form, Arc::new(exchange));
        self
    }

    /// The provider. To be called within a tokio runtime, whose tasks some sources use.
    pub fn build(self) -> Result<Provider, ProvideError> {
        if self.configuration.is_some() && self.settings.is_some() {
            return Err(Failure::new(
                ErrorKind::Misconfigured,
                "both a configuration and settings are given; one would replace the other",
            )
            .with_help(
                "set what differs by the builder's other methods, or leave one of the two out",
            )
            .into());
        }
        #[cfg_attr(
            not(feature = "sts"),
            allow(unused_mut, reason = "only STS reads these settings")
        )]
        let mut configuration = self.configuration.unwrap_or_default();
        let mut settings = self.settings.unwrap_or(configuration.settings);
        settings.state_path = self.state_path.or(settings.state_path);
        let state_path =
            settings.state_path.clone().unwrap_or_else(|| default_state_path(&self.environment));
        if let Some(consumer) = self.consumer {
            settings.consumer = consumer;
        }
        settings.delivery = self.delivery.or(settings.delivery);
        settings.scope = self.scope.unwrap_or(settings.scope);
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock));
        for (key, warning) in configuration.warnings {
            tracing::warn!(key, "the configuration: {warning}");
        }
        #[cfg(feature = "sts")]
        {
            let sts = &mut configuration.services.sts;
            sts.allow_plain_http = settings.allow_plain_http;
            sts.startup_jitter = sts.startup_jitter.or(self.startup_jitter);
        }
        let services = configuration.services.services(&self.environment, Arc::clone(&clock));
        let mut exchanges = services.exchanges();
        exchanges.extend(self.exchanges);
        let steps = configuration.chains;
        let mut chains = steps.source_chains(&services.context, &self.slots, self.chains)?;
        let mut chain = |level| chains.remove(&level).unwrap_or_default();
        let circuit_breaker = Arc::<CircuitBreaker>::default();
        let resolver = Resolver {
            driver: chain(AuthenticationLevel::Driver),
            pod: chain(AuthenticationLevel::Pod),
            secret: chain(AuthenticationLevel::Secret),
            region: match self.region {
                Some(chain) => chain,
                None => steps.region_chain(&services.context)?,
            },
            exchanges,
            exchanged: ExchangeCache::default(),
            metrics: Metrics::default(),
            clock,
            circuit_breaker: Arc::clone(&circuit_breaker),
            environment: self.environment.clone(),
            retired: RetiredSources::new(steps.configured, services.context.clone()),
        };
        let leases = Arc::<LeaseTable>::default();
        Ok(Provider {
            resolver: Arc::new(resolver),
            #[cfg(feature = "doctor")]
            services: Arc::new(services),
            checkpoint: Checkpoint::new(&state_path),
            journal: Journal::new(state_path, Arc::clone(&leases), settings.operation_timeout),
            settings: Arc::new(settings),
            environment: self.environment,
            locks: Arc::default(),
            circuit_breaker,
            leases,
            events: broadcast::Sender::new(EVENTS_KEPT),
            started: Started::default(),
            #[cfg(feature = "endpoint")]
            served: Arc::default(),
        })
    }
}
