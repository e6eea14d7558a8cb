//! `secret-watch`

use std::sync::Arc;
use std::time::Duration;

use s3_credential_core::{CredentialSource, ErrorKind, Failure, source_names};
use s3_credential_secret::{SecretNamespace, SecretWatchSettings, SecretWatchSource};
use schemars::JsonSchema;
use serde::Deserialize;

use super::KeyNamesSection;
use crate::document::Period;
use crate::plugins::{PluginContext, or_broken};
use crate::registry::Registry;
use crate::registry::formats::KubernetesName;

/// One Secret, watched through the Kubernetes API.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WatchSection {
    /// The name of the Secret.
    #[schemars(with = "KubernetesName")]
    name: String,
    /// The namespace of the Secret. It serves driver and secret level.
    #[schemars(with = "KubernetesName")]
    #[serde(default)]
    namespace: Option<String>,
    /// Whether the Secret is in the namespace of the pod which the volume is for, instead of one for all.
    #[serde(default)]
    pod_namespace: bool,
    /// Names of the entries of the Secret, where they are none of the known ones.
    #[serde(default)]
    key_names: Option<KeyNamesSection>,
    /// How long the API server may take to answer a call.
    #[serde(default = "api_timeout")]
    api_timeout: Period,
    /// The pause after a first failed call. It doubles with each further one.
    #[serde(default = "first_retry")]
    first_retry: Period,
    /// The longest pause.
    #[serde(default = "last_retry")]
    last_retry: Period,
}

#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "WatchSection")]
#[schemars(with = "WatchSection")]
struct Watch(SecretWatchSettings);

impl TryFrom<WatchSection> for Watch {
    type Error = Failure;

    fn try_from(section: WatchSection) -> Result<Self, Failure> {
        let namespace = match (section.namespace, section.pod_namespace) {
            (Some(namespace), false) => SecretNamespace::Fixed(namespace),
            (None, true) => SecretNamespace::OfThePod,
            _ => {
                return Err(Failure::new(
                    ErrorKind::InvalidConfiguration,
                    "a watched Secret needs either `namespace` or `podNamespace: true`",
                ));
            }
        };
        Ok(Self(SecretWatchSettings {
            key_names: section.key_names.map(TryInto::try_into).transpose()?,
            timeout: section.api_timeout.into(),
            first_retry: section.first_retry.into(),
            last_retry: section.last_retry.into(),
            ..SecretWatchSettings::new(namespace, section.name)
        }))
    }
}

fn default(part: impl Fn(SecretWatchSettings) -> Duration) -> Period {
    part(SecretWatchSettings::new(SecretNamespace::OfThePod, "")).into()
}

fn api_timeout() -> Period {
    default(|settings| settings.timeout)
}

fn first_retry() -> Period {
    default(|settings| settings.first_retry)
}

fn last_retry() -> Period {
    default(|settings| settings.last_retry)
}

pub(super) fn register(registry: &mut Registry) -> Result<(), Failure> {
    registry
        .register(
            source_names::SECRET_WATCH,
            |Watch(settings): &Watch, context: &PluginContext| {
                Ok(or_broken(source_names::SECRET_WATCH, watched(settings, context)))
            },
        )?
        .always_answers();
    Ok(())
}

fn watched(
    settings: &SecretWatchSettings,
    context: &PluginContext,
) -> Result<Arc<dyn CredentialSource>, Failure> {
    let client = context.kubernetes()?.ok_or_else(|| {
        Failure::new(
            ErrorKind::Misconfigured,
            "no Kubernetes API is configured to watch the Secret through",
        )
        .with_help("run the driver in a cluster, or set KUBECONFIG")
    })?;
    Ok(Arc::new(SecretWatchSource::new(client, settings.clone())?))
}
