//! From a configuration to chains: every plug-in is made, once.

use std::collections::HashMap;
use std::sync::Arc;

use s3_credential_core::{
    AuthenticationLevel, CredentialSource, ErrorKind, Failure, RegionChain, RegionResolver,
    SourceChain,
};
use s3_credential_imds::ImdsSettings;
use s3_credential_pod_identity::AgentExchange;
use s3_credential_sts::Sts;

use crate::config::{Config, Step};
use crate::registry::{Driver, Named};
use crate::services::Services;

/// Sources that stand in the place of a chain's own; nothing where one is left out.
pub(crate) type Slots = HashMap<String, Option<Arc<dyn CredentialSource>>>;

/// Plug-ins by their name: one that is in several chains is one.
type Made<P> = HashMap<String, Arc<P>>;

impl Config {
    /// The chain of each level. To be called within a tokio runtime, whose tasks some sources use.
    pub(crate) fn source_chains(
        &self,
        driver: &Driver,
        slots: &Slots,
    ) -> Result<HashMap<AuthenticationLevel, SourceChain>, Failure> {
        let mut made = Made::new();
        let mut chains = HashMap::new();
        for (level, steps) in &self.sources {
            let mut chain = SourceChain::default();
            for step in steps {
                let plugin = match slots.get(&step.name) {
                    Some(None) => continue,
                    Some(Some(source)) => Arc::clone(source),
                    None => step.make(driver, &mut made)?,
                };
                chain = chain.or_else(step.named(plugin));
                if step.goes_on_past_failure {
                    chain = chain.even_if_it_fails();
                }
            }
            chains.insert(*level, chain);
        }
        let is_used = |name: &str| self.sources.values().flatten().any(|step| step.name == name);
        match slots.iter().find(|(name, source)| source.is_some() && !is_used(name)) {
            Some((name, _)) => Err(Failure::new(
                ErrorKind::InvalidConfiguration,
                format!("a source stands in the place of `{name}`, which is in no chain"),
            )),
            None => Ok(chains),
        }
    }

    /// The services that hand out keys.
    pub(crate) fn services(&self, driver: Driver) -> Services {
        let environment = driver.environment();
        let sts = Sts::new(self.services.sts.settings(environment), driver.clock());
        let agent =
            AgentExchange::new(environment.clone(), self.services.pod_identity_agent.into());
        Services { driver, sts, agent }
    }

    /// How the driver asks IMDS.
    pub(crate) fn imds(&self) -> ImdsSettings {
        self.services.imds.into()
    }

    /// The region chain, in the same way as those of sources.
    pub(crate) fn region_chain(&self, driver: &Driver) -> Result<RegionChain, Failure> {
        let mut made = Made::new();
        let mut chain = RegionChain::new([]);
        for step in &self.resolvers {
            let plugin: Arc<dyn RegionResolver> = step.make(driver, &mut made)?;
            chain = chain.or_else(step.named(plugin));
            if step.goes_on_past_failure {
                tracing::warn!(
                    resolver = step.name,
                    "the region chain goes on when this resolver is broken"
                );
                chain = chain.even_if_it_fails();
            }
        }
        Ok(chain)
    }
}

impl<P: ?Sized> Step<P> {
    fn make(&self, driver: &Driver, made: &mut Made<P>) -> Result<Arc<P>, Failure> {
        if let Some(plugin) = made.get(&self.name) {
            return Ok(Arc::clone(plugin));
        }
        let plugin = (self.blueprint)(driver)?;
        made.insert(self.name.clone(), Arc::clone(&plugin));
        Ok(plugin)
    }

    fn named(&self, plugin: Arc<P>) -> Named<P> {
        Named { name: self.name.clone(), timeout: self.timeout, plugin }
    }
}
