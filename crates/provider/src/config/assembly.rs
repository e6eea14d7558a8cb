//! From a configuration to chains: every plug-in is made, once.

use std::collections::HashMap;
use std::sync::Arc;
#[cfg(feature = "kube")]
use std::sync::OnceLock;

use s3_credential_core::{
    AuthenticationLevel, Clock, CredentialSource, Environment, ErrorKind, Failure, RegionChain,
    RegionResolver, SourceChain,
};
#[cfg(feature = "imds")]
use s3_credential_imds::Imds;
#[cfg(feature = "pod-identity")]
use s3_credential_pod_identity::AgentExchange;
#[cfg(feature = "sts")]
use s3_credential_sts::Sts;

use crate::config::{Config, Step};
use crate::registry::{Driver, Named};
use crate::services::Services;

/// Sources that stand in the place of a chain's own; nothing where one is left out.
pub(crate) type Slots = HashMap<String, Option<Arc<dyn CredentialSource>>>;

/// Plug-ins by their name: one that is in several chains is one.
type Made<P> = HashMap<String, Arc<P>>;

impl Config {
    /// The chain of each level, but for those that are made in code (`own`): of these no source is made here. To be called within a tokio
    /// runtime, whose tasks some sources use.
    pub(crate) fn source_chains(
        &self,
        driver: &Driver,
        slots: &Slots,
        own: HashMap<AuthenticationLevel, SourceChain>,
    ) -> Result<HashMap<AuthenticationLevel, SourceChain>, Failure> {
        let levels: Vec<_> =
            self.sources.iter().filter(|(level, _)| !own.contains_key(level)).collect();
        let is_used =
            |name: &str| levels.iter().any(|(_, steps)| steps.iter().any(|it| it.name == name));
        let unused = |(name, source): &(&String, &Option<_>)| source.is_some() && !is_used(name);
        if let Some((name, _)) = slots.iter().find(unused) {
            return Err(Failure::new(
                ErrorKind::InvalidConfiguration,
                format!("a source stands in the place of `{name}`, which is in no chain"),
            ));
        }
        let mut made = Made::new();
        let mut chains = own;
        for (level, steps) in levels {
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
        Ok(chains)
    }

    /// The driver with this environment, and the services that hand out keys to it.
    #[cfg_attr(
        not(any(feature = "imds", feature = "pod-identity", feature = "sts")),
        allow(clippy::unused_self, reason = "then there is none")
    )]
    pub(crate) fn services(&self, environment: &Environment, clock: Arc<dyn Clock>) -> Services {
        Services {
            #[cfg(feature = "sts")]
            sts: Sts::new(self.services.sts.settings(environment), Arc::clone(&clock)),
            #[cfg(feature = "pod-identity")]
            agent: AgentExchange::new(environment.clone(), self.services.pod_identity_agent.into()),
            driver: Driver {
                #[cfg(feature = "imds")]
                imds: Imds::new(environment, self.services.imds.into(), Arc::clone(&clock)),
                environment: environment.clone(),
                clock,
                #[cfg(feature = "kube")]
                kubernetes: OnceLock::new(),
            },
        }
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
