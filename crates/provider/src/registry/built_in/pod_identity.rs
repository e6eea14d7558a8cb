//! `pod-identity`

use s3_credential_core::{AuthenticationLevel, Failure, source_names};
use s3_credential_pod_identity::PodIdentitySettings;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::document::Period;
use crate::plugins::{self, PluginContext};
use crate::registry::Registry;
use crate::registry::formats::HttpUrl;

/// EKS Pod Identity: the driver's own at driver level, the pod's at pod level.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct PodIdentitySection {
    /// The agent's URL for volumes at pod level. Where unset, the variable EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI.
    #[schemars(with = "HttpUrl")]
    agent_uri: Option<String>,
    /// How often the driver's token file is looked at for a change.
    poll: Period,
}

impl Default for PodIdentitySection {
    fn default() -> Self {
        let settings = PodIdentitySettings::default();
        Self { agent_uri: settings.agent_uri, poll: settings.follow_interval.into() }
    }
}

pub(super) fn register(registry: &mut Registry) -> Result<(), Failure> {
    registry
        .register(
            source_names::POD_IDENTITY,
            |section: &PodIdentitySection, context: &PluginContext| {
                let mut settings =
                    PodIdentitySettings::default().with_follow_interval(section.poll.into());
                if let Some(uri) = &section.agent_uri {
                    settings = settings.with_agent_uri(uri);
                }
                Ok(plugins::pod_identity::source(&settings, context))
            },
        )?
        .only_at([AuthenticationLevel::Driver, AuthenticationLevel::Pod]);
    Ok(())
}
