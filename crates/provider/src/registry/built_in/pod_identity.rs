//! `pod-identity`

use s3_credential_core::{AuthenticationLevel, Failure, source_names};
use s3_credential_pod_identity::PodIdentitySettings;

use crate::plugins::{self, PluginContext};
use crate::registry::Registry;

pub(super) fn register(registry: &mut Registry) -> Result<(), Failure> {
    registry
        .register(
            source_names::POD_IDENTITY,
            |settings: &PodIdentitySettings, context: &PluginContext| {
                Ok(plugins::pod_identity::source(settings, context))
            },
        )?
        .only_at([AuthenticationLevel::Driver, AuthenticationLevel::Pod]);
    Ok(())
}
