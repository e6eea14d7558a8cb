//! Sources that no chain names any more: a lease that one of them provided is still renewed by it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use s3_credential_core::CredentialSource;

use super::default_chains;
use super::named::Named;
use super::{Factory, PluginContext};

type Made = HashMap<String, Option<Arc<dyn CredentialSource>>>;

/// Makes a source when the first lease needs it: by its settings in the configuration, else one of
/// the default chains.
pub(crate) struct RetiredSources {
    configured: HashMap<String, Factory<dyn CredentialSource>>,
    context: PluginContext,
    made: Mutex<Made>,
}

impl RetiredSources {
    pub(crate) fn new(
        configured: HashMap<String, Factory<dyn CredentialSource>>,
        context: PluginContext,
    ) -> Self {
        Self { configured, context, made: Mutex::default() }
    }

    /// Returns the source of this name. `None` if it is neither configured nor built in, or cannot
    /// be made.
    pub(crate) fn source(&self, name: &str) -> Option<Arc<dyn CredentialSource>> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry(name.to_owned()).or_insert_with(|| self.make(name)).clone()
    }

    fn make(&self, name: &str) -> Option<Arc<dyn CredentialSource>> {
        let built_in = || default_chains::source(name).ok();
        let factory = self.configured.get(name).cloned().or_else(built_in)?;
        match factory(&self.context) {
            Ok(plugin) => Some(Arc::new(Named { name: name.to_owned(), timeout: None, plugin })),
            Err(failure) => {
                tracing::warn!(source = name, %failure, "a source of live leases cannot be made");
                None
            }
        }
    }
}

impl fmt::Debug for RetiredSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetiredSources")
            .field("configured", &self.configured.keys())
            .finish_non_exhaustive()
    }
}
