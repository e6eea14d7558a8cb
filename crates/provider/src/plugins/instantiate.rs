//! From the steps of chains to chains: every plug-in is made once.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use s3_credential_core::{
    AuthenticationLevel, CredentialSource, Environment, ErrorKind, Failure, RegionChain,
    RegionResolver, SourceChain,
};

use crate::plugins::named::Named;
use crate::plugins::{Factory, LeftOut, PluginContext};

/// Sources that replace those of a chain, by name. `None` leaves one out.
pub(crate) type Slots = HashMap<String, Option<Arc<dyn CredentialSource>>>;

type SourceSteps<'a> = (&'a AuthenticationLevel, &'a Vec<Step<dyn CredentialSource>>);

/// Plug-ins by their name: one that is in several chains is one.
type Made<P> = HashMap<String, Arc<P>>;

/// The steps of the chains.
#[derive(Clone)]
pub(crate) struct ChainSteps {
    pub(crate) sources: BTreeMap<AuthenticationLevel, Vec<Step<dyn CredentialSource>>>,
    pub(crate) resolvers: Vec<Step<dyn RegionResolver>>,
    /// Every source that has settings, whether a chain names it or not.
    pub(crate) configured: HashMap<String, Factory<dyn CredentialSource>>,
}

/// One plug-in of a chain, ready to be made.
pub(crate) struct Step<P: ?Sized> {
    pub(crate) name: String,
    pub(crate) continue_on_failure: bool,
    pub(crate) timeout: Option<Duration>,
    /// The factory of the plug-in. A default chain skips what is not compiled in.
    pub(crate) factory: Result<Factory<P>, LeftOut>,
}

impl ChainSteps {
    /// Makes the chain of each level, except those that were made in code (`own`). Requires a tokio
    /// runtime, whose tasks some sources use.
    pub(crate) fn source_chains(
        &self,
        context: &PluginContext,
        slots: &Slots,
        own: HashMap<AuthenticationLevel, SourceChain>,
    ) -> Result<HashMap<AuthenticationLevel, SourceChain>, Failure> {
        let levels: Vec<_> =
            self.sources.iter().filter(|(level, _)| !own.contains_key(level)).collect();
        check_slots(&levels, slots)?;
        check_left_out(&levels, slots, context.environment())?;
        let mut made = Made::new();
        let mut chains = own;
        for (level, steps) in levels {
            let mut chain = SourceChain::default();
            for step in steps {
                let plugin = match slots.get(&step.name) {
                    Some(None) => continue,
                    Some(Some(source)) => Arc::clone(source),
                    None => match step.instantiate(context, &mut made)? {
                        Some(source) => source,
                        None => continue,
                    },
                };
                chain = chain.or_else(step.named(plugin));
                if step.continue_on_failure {
                    chain = chain.even_if_it_fails();
                }
            }
            chains.insert(*level, chain);
        }
        Ok(chains)
    }

    /// Makes the region chain, in the same way as those of sources.
    pub(crate) fn region_chain(&self, context: &PluginContext) -> Result<RegionChain, Failure> {
        let mut made = Made::new();
        let mut chain = RegionChain::new([]);
        for step in &self.resolvers {
            let Some(plugin) = step.instantiate(context, &mut made)? else {
                continue;
            };
            chain = chain.or_else(step.named(plugin));
            if step.continue_on_failure {
                tracing::warn!(
                    resolver = step.name,
                    "the region chain continues when this resolver fails"
                );
                chain = chain.even_if_it_fails();
            }
        }
        Ok(chain)
    }
}

fn check_slots(levels: &[SourceSteps<'_>], slots: &Slots) -> Result<(), Failure> {
    let is_used =
        |name: &str| levels.iter().any(|(_, steps)| steps.iter().any(|step| step.name == name));
    let unused = |(name, source): &(&String, &Option<_>)| source.is_some() && !is_used(name);
    match slots.iter().find(unused) {
        Some((name, _)) => Err(Failure::new(
            ErrorKind::InvalidConfiguration,
            format!("a source stands in the place of `{name}`, which is in no chain"),
        )),
        None => Ok(()),
    }
}

/// A source that was replaced or left out on purpose is not missed.
fn check_left_out(
    levels: &[SourceSteps<'_>],
    slots: &Slots,
    environment: &Environment,
) -> Result<(), Failure> {
    let of_driver = levels.iter().filter(|(level, _)| **level == AuthenticationLevel::Driver);
    let missed = of_driver
        .flat_map(|(_, steps)| steps.iter())
        .filter(|step| !slots.contains_key(&step.name))
        .filter_map(|step| step.factory.as_ref().err());
    LeftOut::check(missed, environment)
}

impl<P: ?Sized> Step<P> {
    /// Makes a step that stops the chain when it fails, and has no time limit of its own.
    pub(crate) fn new(name: &str, factory: Result<Factory<P>, LeftOut>) -> Self {
        Self { name: name.to_owned(), continue_on_failure: false, timeout: None, factory }
    }

    fn instantiate(
        &self,
        context: &PluginContext,
        made: &mut Made<P>,
    ) -> Result<Option<Arc<P>>, Failure> {
        let Ok(factory) = &self.factory else {
            return Ok(None);
        };
        if let Some(plugin) = made.get(&self.name) {
            return Ok(Some(Arc::clone(plugin)));
        }
        let plugin = factory(context)?;
        made.insert(self.name.clone(), Arc::clone(&plugin));
        Ok(Some(plugin))
    }

    fn named(&self, plugin: Arc<P>) -> Named<P> {
        Named { name: self.name.clone(), timeout: self.timeout, plugin }
    }
}

impl fmt::Debug for ChainSteps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChainSteps")
            .field("sources", &self.sources)
            .field("resolvers", &self.resolvers)
            .finish_non_exhaustive()
    }
}

impl<P: ?Sized> fmt::Debug for Step<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step")
            .field("name", &self.name)
            .field("continue_on_failure", &self.continue_on_failure)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl<P: ?Sized> Clone for Step<P> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            continue_on_failure: self.continue_on_failure,
            timeout: self.timeout,
            factory: self.factory.clone(),
        }
    }
}
