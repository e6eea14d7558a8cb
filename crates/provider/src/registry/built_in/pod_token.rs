//! `pod-token`

use s3_credential_core::{AuthenticationLevel, Failure, source_names};
use s3_credential_pod_token::PodTokenSettings;

use crate::plugins::{self, PluginContext};
use crate::registry::Registry;

pub(super) fn register(registry: &mut Registry) -> Result<(), Failure> {
    registry
        .register(
            source_names::POD_TOKEN,
            |settings: &PodTokenSettings, context: &PluginContext| {
                Ok(plugins::pod_token::source(settings, context))
            },
        )?
        .only_at([AuthenticationLevel::Pod])
        .check(|settings| settings.session.check(settings.second_hop.as_ref()));
    Ok(())
}
