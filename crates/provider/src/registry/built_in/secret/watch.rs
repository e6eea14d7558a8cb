//! `secret-watch`

use std::sync::Arc;
use std::time::Duration;

use s3_credential_core::{CredentialSource, ErrorKind, Failure, source_names};
use s3_credential_secret::{KeyNames, SecretNamespace, SecretWatchSettings, SecretWatchSource};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::kubernetes_client::KubernetesClient;
use crate::plugins::{PluginContext, or_retried};
use crate::registry::Registry;

/// One Secret, watched through the Kubernetes API.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WatchSection {
    /// The name of the Secret.
    #[schemars(extend("format" = "kubernetes-name"))]
    name: String,
    /// The namespace of the Secret. It serves driver and secret level.
    #[schemars(extend("format" = "kubernetes-name"))]
    #[serde(default)]
    namespace: Option<String>,
    /// Whether the Secret is in the namespace of the pod that the volume is for, instead of one for
    /// all.
    #[serde(default)]
    pod_namespace: bool,
    /// Names of the entries of the Secret, where they are none of the known ones.
    #[serde(default)]
    key_names: Option<KeyNames>,
    /// How long the API server may take to answer a call.
    #[serde(default = "operation_timeout")]
    operation_timeout: Duration,
    /// The pause after a first failed call. It doubles with each further one.
    #[serde(default = "initial_backoff")]
    initial_backoff: Duration,
    /// The longest pause.
    #[serde(default = "max_backoff")]
    max_backoff: Duration,
}

impl WatchSection {
    fn settings(&self) -> Result<SecretWatchSettings, Failure> {
        let namespace = match (self.namespace.clone(), self.pod_namespace) {
            (Some(namespace), false) => SecretNamespace::Fixed(namespace),
            (None, true) => SecretNamespace::OfThePod,
            _ => {
                return Err(Failure::new(
                    ErrorKind::InvalidConfiguration,
                    "a watched Secret needs either `namespace` or `podNamespace: true`",
                ));
            }
        };
        if let Some(names) = &self.key_names {
            names.check()?;
        }
        Ok(SecretWatchSettings {
            key_names: self.key_names.clone(),
            operation_timeout: self.operation_timeout,
            initial_backoff: self.initial_backoff,
            max_backoff: self.max_backoff,
            ..SecretWatchSettings::new(namespace, self.name.clone())
        })
    }
}

fn default() -> SecretWatchSettings {
    SecretWatchSettings::new(SecretNamespace::OfThePod, "")
}

fn operation_timeout() -> Duration {
    default().operation_timeout
}

fn initial_backoff() -> Duration {
    default().initial_backoff
}

fn max_backoff() -> Duration {
    default().max_backoff
}

pub(super) fn register(registry: &mut Registry) -> Result<(), Failure> {
    registry
        .register(source_names::SECRET_WATCH, |section: &WatchSection, context: &PluginContext| {
            let (settings, kubernetes) = (section.settings()?, context.kubernetes.clone());
            Ok(or_retried(source_names::SECRET_WATCH, move || watched(&settings, &kubernetes)))
        })?
        .always_answers()
        .check(|section| section.settings().map(drop));
    Ok(())
}

fn watched(
    settings: &SecretWatchSettings,
    kubernetes: &KubernetesClient,
) -> Result<Arc<dyn CredentialSource>, Failure> {
    let client = kubernetes.get()?.ok_or_else(|| {
        Failure::new(
            ErrorKind::Misconfigured,
            "no Kubernetes API is configured to watch the Secret through",
        )
        .with_help("run the driver in a cluster, or set KUBECONFIG")
    })?;
    Ok(Arc::new(SecretWatchSource::new(client, settings.clone())?))
}
