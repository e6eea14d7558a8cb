//! Building a provider: the default configuration, or one's own.

mod slots;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use s3_credential_core::{
    AuthenticationLevel, Clock, Consumer, Delivery, Environment, ErrorKind, Failure, FormKind,
    KeyExchange, RegionChain, SourceChain, SystemClock,
};

use tokio::sync::broadcast;

use crate::config::{Config, Slots};
use crate::error::ProvideError;
use crate::exchanged::Exchanges;
use crate::journal::Journal;
use crate::kept::KeptSecrets;
use crate::leases::Leases;
use crate::preparation::Wiring;
use crate::provider::Provider;
use crate::registry::Registry;
use crate::running::Started;
use crate::settings::{Scope, Settings, default_state_path};

/// How many events a slow reader may be behind before it misses the oldest.
const EVENTS_KEPT: usize = 1024;

/// Builds a [`Provider`]. Whatever is not set is the default of the documentation.
#[derive(Debug, Default)]
pub struct ProviderBuilder {
    environment: Environment,
    config: Option<Config>,
    slots: Slots,
    settings: Option<Settings>,
    state_path: Option<PathBuf>,
    delivery: Option<Delivery>,
    scope: Option<Scope>,
    consumer: Option<Consumer>,
    clock: Option<Arc<dyn Clock>>,
    chains: HashMap<AuthenticationLevel, SourceChain>,
    region: Option<RegionChain>,
    exchanges: HashMap<FormKind, Arc<dyn KeyExchange>>,
}

impl ProviderBuilder {
    /// The driver's environment variables: which roles, keys, regions and endpoints it has. Empty by default, since a library
    /// does not read the process environment.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// What a configuration file says.
    #[must_use]
    pub fn config(mut self, config: Config) -> Self {
        self.config = Some(config);
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
        if self.config.is_some() && self.settings.is_some() {
            return Err(Failure::new(
                ErrorKind::Misconfigured,
                "both a configuration and settings are given; one would replace the other",
            )
            .with_help(
                "set what differs by the builder's other methods, or leave one of the two out",
            )
            .into());
        }
        let config = match self.config {
            Some(config) => config,
            None => Config::default_of(&Registry::default())?,
        };
        let mut settings = self.settings.unwrap_or_else(|| config.settings().clone());
        settings.state_path = self.state_path.or(settings.state_path);
        let state_path =
            settings.state_path.clone().unwrap_or_else(|| default_state_path(&self.environment));
        if let Some(consumer) = self.consumer {
            settings.consumer = consumer;
        }
        settings.delivery = self.delivery.or(settings.delivery);
        settings.scope = self.scope.unwrap_or(settings.scope);
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock));
        for problem in config.report().problems() {
            tracing::warn!(key = problem.path, "the configuration: {}", problem.message);
        }
        let services = config.services(&self.environment, Arc::clone(&clock));
        let mut exchanges = services.exchanges();
        exchanges.extend(self.exchanges);
        let mut chains = config.source_chains(&services.driver, &self.slots, self.chains)?;
        let mut chain = |level| chains.remove(&level).unwrap_or_default();
        let wiring = Wiring {
            driver: chain(AuthenticationLevel::Driver),
            pod: chain(AuthenticationLevel::Pod),
            secret: chain(AuthenticationLevel::Secret),
            region: match self.region {
                Some(chain) => chain,
                None => config.region_chain(&services.driver)?,
            },
            exchanges,
            exchanged: Exchanges::default(),
            clock,
        };
        let leases = Arc::<Leases>::default();
        Ok(Provider {
            wiring: Arc::new(wiring),
            #[cfg(feature = "doctor")]
            services: Arc::new(services),
            kept: KeptSecrets::new(&state_path),
            journal: Journal::new(state_path, Arc::clone(&leases), settings.deadline),
            settings: Arc::new(settings),
            environment: self.environment,
            turns: Arc::default(),
            outages: Arc::default(),
            leases,
            events: broadcast::Sender::new(EVENTS_KEPT),
            started: Started::default(),
            #[cfg(feature = "endpoint")]
            served: Arc::default(),
        })
    }
}
