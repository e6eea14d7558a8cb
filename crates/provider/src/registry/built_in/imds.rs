//! `imds`, the source and the region resolver

use s3_credential_core::{AuthenticationLevel, Failure, resolver_names, source_names};

use crate::plugins::{self, PluginContext};
use crate::registry::{NoSettings, Registry};

pub(super) fn register(registry: &mut Registry) -> Result<(), Failure> {
    registry
        .register(source_names::IMDS, |_: &NoSettings, context: &PluginContext| {
            Ok(plugins::imds::source(context))
        })?
        .only_at([AuthenticationLevel::Driver, AuthenticationLevel::Secret]);
    registry.register_region(resolver_names::IMDS, |_: &NoSettings, context: &PluginContext| {
        Ok(plugins::imds::region(context))
    })
}
