//! The settings of the watch: the Secret, and the time-outs.

use std::time::Duration;

use s3_credential_core::{ErrorKind, Failure, KubernetesCall};

use crate::key_names::KeyNames;

/// Settings of the source `secret-watch`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretWatchSettings {
    /// The namespace of the Secret.
    pub namespace: SecretNamespace,
    /// Its name.
    pub name: String,
    /// Names of one's own for its entries.
    pub key_names: Option<KeyNames>,
    /// How long the API server may take to answer a call; 5 seconds.
    pub operation_timeout: Duration,
    /// The pause after a first failed call; 1 second, at least 10 milliseconds. It doubles with
    /// each further one, and its length is random between half and all of it, lest all nodes come
    /// back at once.
    pub initial_backoff: Duration,
    /// The longest pause; 30 seconds.
    pub max_backoff: Duration,
}

/// The namespace of a watched Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretNamespace {
    /// This one, for every volume.
    Fixed(String),
    /// The namespace of the pod that the volume is for, as the kubelet sends it (`podInfoOnMount`).
    /// Each namespace brings its own Secret of the one name, and a Role for the driver to read it.
    OfThePod,
}

impl SecretWatchSettings {
    /// Makes settings for the Secret of this name.
    pub fn new(namespace: SecretNamespace, name: impl Into<String>) -> Self {
        Self {
            namespace,
            name: name.into(),
            key_names: None,
            operation_timeout: Duration::from_secs(5),
            initial_backoff: Duration::from_secs(1),
            max_backoff: Duration::from_secs(30),
        }
    }

    pub(super) fn check(&self) -> Result<(), Failure> {
        let namespace = match &self.namespace {
            SecretNamespace::Fixed(namespace) => namespace,
            SecretNamespace::OfThePod => "default",
        };
        self.call("list", namespace).check().map_err(|failure| {
            Failure::new(ErrorKind::Misconfigured, failure.message().to_owned()).with_help(
                "correct namespace and name of the Secret in the configuration of the source",
            )
        })
    }

    pub(super) fn call<'a>(&'a self, verb: &'a str, namespace: &'a str) -> KubernetesCall<'a> {
        KubernetesCall { verb, resource: "secrets", namespace: Some(namespace), name: &self.name }
    }

    /// Returns the Secret, as messages name it.
    pub(super) fn place(&self, namespace: &str) -> String {
        format!("the Secret {namespace}/{}", self.name)
    }
}
