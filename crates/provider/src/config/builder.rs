//! From a configuration to a provider.

use s3_credential_core::Environment;

use crate::builder::{Configuration, ProviderBuilder};
use crate::config::Config;
use crate::error::ProvideError;
use crate::provider::Provider;

impl From<Config> for Configuration {
    fn from(Config { settings, services, chains, report, node: _ }: Config) -> Self {
        let warnings = report.problems().iter();
        let warnings = warnings.map(|problem| (problem.path.clone(), problem.message.clone()));
        Self { settings, services, warnings: warnings.collect(), chains }
    }
}

impl ProviderBuilder {
    /// Sets what a configuration file sets: chains, their plug-ins and all settings.
    #[must_use]
    pub fn config(self, config: Config) -> Self {
        self.configuration(config.into())
    }
}

impl Provider {
    /// Makes the provider of a configuration, for a driver with this environment. Requires a tokio
    /// runtime.
    pub fn from_config(config: Config, environment: Environment) -> Result<Self, ProvideError> {
        Self::builder().config(config).environment(environment).build()
    }
}
