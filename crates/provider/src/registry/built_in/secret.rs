//! The four modes of Kubernetes Secrets.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use s3_credential_core::{AuthenticationLevel, ErrorKind, Failure, source_names};
use s3_credential_secret::{
    KeyNames, SecretDirectorySettings, SecretDirectorySource, SecretEnvironmentSource,
    SecretNamespace, SecretRequestSource, SecretWatchSettings, SecretWatchSource,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NoSettings, made_or_broken};
use crate::config::{AbsolutePath, KubernetesName, Period};
use crate::registry::{Driver, Registry};

/// Names of the entries of a Secret, where they are none of the known ones.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct KeyNamesSection {
    /// Of the access key id.
    #[schemars(length(min = 1, max = 253))]
    access_key_id: String,
    /// Of the secret access key.
    #[schemars(length(min = 1, max = 253))]
    secret_access_key: String,
    /// Of the session token.
    #[schemars(length(min = 1, max = 253))]
    session_token: String,
    /// Of the region.
    #[schemars(length(min = 1, max = 253))]
    region: String,
    /// Of the S3 endpoint's URL.
    #[schemars(length(min = 1, max = 253))]
    endpoint: String,
}

impl Default for KeyNamesSection {
    fn default() -> Self {
        let KeyNames { access_key_id, secret_access_key, session_token, region, endpoint } =
            KeyNames::default();
        Self { access_key_id, secret_access_key, session_token, region, endpoint }
    }
}

impl TryFrom<KeyNamesSection> for KeyNames {
    type Error = Failure;

    fn try_from(section: KeyNamesSection) -> Result<Self, Failure> {
        let KeyNamesSection { access_key_id, secret_access_key, session_token, region, endpoint } =
            section;
        let names = Self { access_key_id, secret_access_key, session_token, region, endpoint };
        // Whoever reads them judges them.
        SecretRequestSource::default().with_key_names(names.clone())?;
        Ok(names)
    }
}

/// The secrets of the publish request (`nodePublishSecretRef`).
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct RequestSection {
    /// Names of the entries of the Secret, where they are none of the known ones.
    key_names: Option<KeyNamesSection>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "RequestSection")]
#[schemars(with = "RequestSection")]
struct Request(SecretRequestSource);

impl TryFrom<RequestSection> for Request {
    type Error = Failure;

    fn try_from(section: RequestSection) -> Result<Self, Failure> {
        let source = SecretRequestSource::default();
        Ok(Self(match section.key_names {
            Some(names) => source.with_key_names(names.try_into()?)?,
            None => source,
        }))
    }
}

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
    #[serde(default = "defaults::api_timeout")]
    api_timeout: Period,
    /// The pause after a first failed call. It doubles with each further one.
    #[serde(default = "defaults::first_retry")]
    first_retry: Period,
    /// The longest pause.
    #[serde(default = "defaults::last_retry")]
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

/// A Secret that is mounted into the driver's pod.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DirectorySection {
    /// Where the Secret is mounted: a directory with a file for each of its entries.
    #[schemars(with = "AbsolutePath")]
    path: PathBuf,
    /// Names of the entries of the Secret, where they are none of the known ones.
    #[serde(default)]
    key_names: Option<KeyNamesSection>,
    /// How often the files are looked at for a change.
    #[serde(default = "defaults::poll")]
    poll: Period,
}

#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "DirectorySection")]
#[schemars(with = "DirectorySection")]
struct Directory(SecretDirectorySettings);

impl TryFrom<DirectorySection> for Directory {
    type Error = Failure;

    fn try_from(section: DirectorySection) -> Result<Self, Failure> {
        Ok(Self(SecretDirectorySettings {
            key_names: section.key_names.map(TryInto::try_into).transpose()?,
            poll: section.poll.into(),
            ..SecretDirectorySettings::new(section.path)
        }))
    }
}

/// The settings' own defaults, for keys of mappings of which others are required.
mod defaults {
    use super::{Duration, Period, SecretDirectorySettings, SecretNamespace, SecretWatchSettings};

    fn watch(part: impl Fn(SecretWatchSettings) -> Duration) -> Period {
        part(SecretWatchSettings::new(SecretNamespace::OfThePod, "")).into()
    }

    pub(super) fn api_timeout() -> Period {
        watch(|settings| settings.timeout)
    }

    pub(super) fn first_retry() -> Period {
        watch(|settings| settings.first_retry)
    }

    pub(super) fn last_retry() -> Period {
        watch(|settings| settings.last_retry)
    }

    pub(super) fn poll() -> Period {
        SecretDirectorySettings::new("").poll.into()
    }
}

pub(super) fn register(registry: &mut Registry) -> Result<(), Failure> {
    use AuthenticationLevel::{Driver as AtDriver, Secret as AtSecret};
    registry
        .register(source_names::SECRET_REQUEST, |Request(source): &Request, _: &Driver| {
            Ok(source.clone())
        })?
        .only_at([AtSecret]);
    registry
        .register(source_names::SECRET_WATCH, |Watch(settings): &Watch, driver: &Driver| {
            Ok(made_or_broken(source_names::SECRET_WATCH, watched(settings, driver)))
        })?
        .always_answers();
    registry
        .register(source_names::SECRET_DIRECTORY, |Directory(settings): &Directory, _: &Driver| {
            SecretDirectorySource::new(settings.clone())
        })?
        .only_at([AtDriver, AtSecret])
        .always_answers();
    registry
        .register(source_names::SECRET_ENVIRONMENT, |_: &NoSettings, driver: &Driver| {
            Ok(SecretEnvironmentSource::new(driver.environment()))
        })?
        .only_at([AtDriver, AtSecret]);
    Ok(())
}

fn watched(
    settings: &SecretWatchSettings,
    driver: &Driver,
) -> Result<Arc<dyn s3_credential_core::CredentialSource>, Failure> {
    let client = driver.kubernetes()?.ok_or_else(|| {
        Failure::new(
            ErrorKind::Misconfigured,
            "no Kubernetes API is configured to watch the Secret through",
        )
        .with_help("run the driver in a cluster, or set KUBECONFIG")
    })?;
    Ok(Arc::new(SecretWatchSource::new(client, settings.clone())?))
}
