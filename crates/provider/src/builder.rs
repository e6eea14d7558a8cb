//! Building a provider: the default chains, or one's own.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use s3_credential_core::{
    Clock, Consumer, Delivery, Environment, Failure, FormKind, KeyExchange, RegionChain,
    SourceChain, SystemClock,
};

use tokio::sync::broadcast;

use crate::defaults::Defaults;
use crate::journal::Journal;
use crate::preparation::Wiring;
use crate::provider::Provider;
use crate::settings::{Scope, Settings, default_state_path};

/// How many events a slow reader may be behind before it misses the oldest.
const EVENTS_KEPT: usize = 1024;

/// Builds a [`Provider`]. Whatever is not set is the default of the documentation.
#[derive(Debug, Default)]
pub struct ProviderBuilder {
    environment: Environment,
    settings: Option<Settings>,
    state_path: Option<PathBuf>,
    delivery: Option<Delivery>,
    scope: Option<Scope>,
    consumer: Option<Consumer>,
    clock: Option<Arc<dyn Clock>>,
    driver: Option<SourceChain>,
    pod: Option<SourceChain>,
    secret: Option<SourceChain>,
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

    /// All settings at once.
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
        self.driver = Some(chain);
        self
    }

    /// The chain of the pod level.
    #[must_use]
    pub fn pod_chain(mut self, chain: SourceChain) -> Self {
        self.pod = Some(chain);
        self
    }

    /// The chain of the secret level.
    #[must_use]
    pub fn secret_chain(mut self, chain: SourceChain) -> Self {
        self.secret = Some(chain);
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
    pub fn build(self) -> Result<Provider, Failure> {
        let mut settings = self.settings.unwrap_or_default();
        settings.state_path = self.state_path.or(settings.state_path);
        let state_path =
            settings.state_path.clone().unwrap_or_else(|| default_state_path(&self.environment));
        if let Some(consumer) = self.consumer {
            settings.consumer = consumer;
        }
        settings.delivery = self.delivery.or(settings.delivery);
        settings.scope = self.scope.unwrap_or(settings.scope);
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock));
        let defaults = Defaults::new(&self.environment, &clock);
        let mut exchanges = defaults.exchanges();
        exchanges.extend(self.exchanges);
        let wiring = Wiring {
            driver: match self.driver {
                Some(chain) => chain,
                None => defaults.driver_chain()?,
            },
            pod: self.pod.unwrap_or_else(|| defaults.pod_chain()),
            secret: self.secret.unwrap_or_else(Defaults::secret_chain),
            region: self.region.unwrap_or_else(|| defaults.region_chain()),
            exchanges,
            clock,
        };
        Ok(Provider {
            wiring: Arc::new(wiring),
            journal: Journal::new(state_path),
            settings: Arc::new(settings),
            environment: self.environment,
            turns: Arc::default(),
            outages: Arc::default(),
            leases: Arc::default(),
            events: broadcast::Sender::new(EVENTS_KEPT),
        })
    }
}
