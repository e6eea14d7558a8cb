//! The registered plug-ins, by the type that a configuration file names.

mod built_in;
mod formats;
mod plugin_types;

use std::sync::Arc;

use s3_credential_core::{AuthenticationLevel, CredentialSource, Failure, RegionResolver};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::plugins::PluginContext;
pub(crate) use formats::{add_patterns, check as check_format};
use plugin_types::SettingsCheck;
pub(crate) use plugin_types::{PluginType, PluginTypes, is_name};

/// The types of credential sources and region resolvers that a configuration may name. The default
/// are those of this workspace.
///
/// A third party's source is one more registration, with settings of its own type: its keys are
/// checked with line and column, explained in the schema and suggested for misspelled ones like
/// those of the built-in sources.
///
/// ```
/// use s3_credential_provider::{
///     AuthenticationLevel, Config, CredentialForm, Keys, PluginContext, Registry, source_fn,
/// };
/// # use s3_credential_provider::Failure;
///
/// /// Settings of `sandbox`.
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct SandboxSettings {
///     /// The access key id.
///     key_id: String,
/// }
///
/// let mut registry = Registry::default();
/// registry
///     .register("sandbox", |settings: &SandboxSettings, _context: &PluginContext| {
///         let keys = Keys::new(settings.key_id.as_str(), "not-a-secret");
///         Ok(source_fn("sandbox", move |_context| {
///             let keys = keys.clone();
///             async move { Ok(CredentialForm::Keys(keys)) }
///         }))
///     })?
///     .only_at([AuthenticationLevel::Driver]);
///
/// let text = "chains: {driver: [sandbox]}\nsources: {sandbox: {key_id: AKIAIOSFODNN7EXAMPLE}}";
/// assert!(Config::parse(&registry, "chains.yaml", text).is_ok());
/// # Ok::<(), Failure>(())
/// ```
#[derive(Debug)]
pub struct Registry {
    pub(crate) sources: PluginTypes<dyn CredentialSource>,
    pub(crate) resolvers: PluginTypes<dyn RegionResolver>,
}

/// Settings of a plug-in that has none.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}

/// A type of source that was just registered, to say more about it.
#[derive(Debug)]
pub struct Registration<'a, S> {
    plugin_type: &'a mut PluginType<dyn CredentialSource>,
    check: SettingsCheck<S>,
}

impl Default for Registry {
    fn default() -> Self {
        let mut registry = Self::empty();
        let registered = built_in::register_all(&mut registry);
        debug_assert!(registered.is_ok(), "each name is there once: {registered:?}");
        registry
    }
}

impl Registry {
    /// No types at all.
    pub fn empty() -> Self {
        Self {
            sources: PluginTypes::new("source", true),
            resolvers: PluginTypes::new("resolver", false),
        }
    }

    /// Registers a type of source: lower-case letters, digits and inner dashes. Its settings are
    /// what a configuration says under `sources`, beside the keys `type` and `timeout` that every
    /// source has; for a source that is only named in a chain they are read from an empty mapping.
    ///
    /// The factory is called once for each place in a chain, within the tokio runtime of the
    /// provider. It fails for what makes the configuration useless. A transient fault is for the
    /// source to report when it is asked.
    ///
    /// # Errors
    /// `invalid-configuration` where the name is taken or can be none.
    pub fn register<S, T, F>(
        &mut self,
        name: &str,
        factory: F,
    ) -> Result<Registration<'_, S>, Failure>
    where
        S: DeserializeOwned + JsonSchema + Send + Sync + 'static,
        T: CredentialSource,
        F: Fn(&S, &PluginContext) -> Result<T, Failure> + Send + Sync + 'static,
    {
        let check = SettingsCheck::default();
        let plugin_type = PluginType::new::<S, _>(check.clone(), move |settings, context| {
            let plugin: Arc<dyn CredentialSource> = Arc::new(factory(settings, context)?);
            Ok(plugin)
        });
        let plugin_type = self.sources.add(name, plugin_type)?;
        Ok(Registration { plugin_type, check })
    }

    /// Registers a type of region resolver, in the same way.
    ///
    /// # Errors
    /// `invalid-configuration` where the name is taken or can be none.
    pub fn register_region<S, T, F>(&mut self, name: &str, factory: F) -> Result<(), Failure>
    where
        S: DeserializeOwned + JsonSchema + Send + Sync + 'static,
        T: RegionResolver,
        F: Fn(&S, &PluginContext) -> Result<T, Failure> + Send + Sync + 'static,
    {
        let kind = PluginType::new::<S, _>(SettingsCheck::default(), move |settings, context| {
            let plugin: Arc<dyn RegionResolver> = Arc::new(factory(settings, context)?);
            Ok(plugin)
        });
        self.resolvers.add(name, kind).map(drop)
    }

    /// Returns the types of sources, in alphabetical order.
    pub fn source_types(&self) -> impl Iterator<Item = &str> {
        self.sources.names()
    }

    /// Returns the types of region resolvers, in alphabetical order.
    pub fn resolver_types(&self) -> impl Iterator<Item = &str> {
        self.resolvers.names()
    }
}

impl<S: 'static> Registration<'_, S> {
    /// The source has credentials at these levels only: a chain of another one in which it stands
    /// alone is refused.
    #[allow(
        clippy::must_use_candidate,
        clippy::return_self_not_must_use,
        reason = "it changes what is registered"
    )]
    pub fn only_at(self, levels: impl IntoIterator<Item = AuthenticationLevel>) -> Self {
        self.plugin_type.levels = levels.into_iter().collect();
        self
    }

    /// Checks the settings of the source when a configuration is read, so that `config check`
    /// reports a failure with the source's name, line and column.
    #[allow(
        clippy::must_use_candidate,
        clippy::return_self_not_must_use,
        reason = "it changes what is registered"
    )]
    pub fn check(self, check: impl Fn(&S) -> Result<(), Failure> + Send + Sync + 'static) -> Self {
        self.check.set(check);
        self
    }

    /// The source never says "not applicable" at its levels: what comes after it in a chain is
    /// never asked.
    #[allow(
        clippy::must_use_candidate,
        clippy::return_self_not_must_use,
        reason = "it changes what is registered"
    )]
    pub fn always_answers(self) -> Self {
        self.plugin_type.always_answers = true;
        self
    }
}
