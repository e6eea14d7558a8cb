//! `profile`

use s3_credential_core::{AuthenticationLevel, Failure, source_names};

use crate::plugins::{self, PluginContext};
use crate::registry::{NoSettings, Registry};

pub(super) fn register(registry: &mut Registry) -> Result<(), Failure> {
    registry
        .register(source_names::PROFILE, |_: &NoSettings, context: &PluginContext| {
            Ok(plugins::profile::source(context))
        })?
        .only_at([AuthenticationLevel::Driver]);
    Ok(())
}
