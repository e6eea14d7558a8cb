//! The four modes of Kubernetes Secrets.

#[cfg(feature = "kube")]
mod watch;

use std::path::PathBuf;

use s3_credential_core::{AuthenticationLevel, Failure, source_names};
use s3_credential_secret::{
    KeyNames, SecretDirectorySettings, SecretDirectorySource, SecretRequestSource,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::Period;
use crate::plugins::{self, PluginContext};
use crate::registry::formats::AbsolutePath;
use crate::registry::{NoSettings, Registry};

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
    #[serde(default = "poll")]
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

fn poll() -> Period {
    SecretDirectorySettings::new("").poll.into()
}

pub(super) fn register(registry: &mut Registry) -> Result<(), Failure> {
    use AuthenticationLevel::{Driver as AtDriver, Secret as AtSecret};
    #[cfg(feature = "kube")]
    watch::register(registry)?;
    registry
        .register(source_names::SECRET_REQUEST, |Request(source): &Request, _: &PluginContext| {
            Ok(source.clone())
        })?
        .only_at([AtSecret]);
    registry
        .register(
            source_names::SECRET_DIRECTORY,
            |Directory(settings): &Directory, _: &PluginContext| {
                SecretDirectorySource::new(settings.clone())
            },
        )?
        .only_at([AtDriver, AtSecret])
        .always_answers();
    registry
        .register(source_names::SECRET_ENVIRONMENT, |_: &NoSettings, context: &PluginContext| {
            Ok(plugins::secret_environment::source(context))
        })?
        .only_at([AtDriver, AtSecret]);
    Ok(())
}
