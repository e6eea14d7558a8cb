//! `secret-directory`: a Secret that is mounted into the driver's pod.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use s3_credential_core::{
    Changes, CredentialForm, CredentialSource, ErrorKind, Failure, ProvideContext, SourceError,
    source_names,
};
use s3_credential_files::{DirectoryError, FileError, Follower, read_directory};

use crate::key_names::KeyNames;
use crate::keys::Reader;
use crate::level::not_for_pods;

/// A little more than the longest value that is accepted, so that the refusal can name it.
const MAX_FILE_LEN: usize = 32 << 10;

/// Settings of the source `secret-directory`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize, schemars::JsonSchema),
    serde(rename_all = "camelCase", deny_unknown_fields)
)]
pub struct SecretDirectorySettings {
    /// The directory where the Secret is mounted, with a file for each of its entries.
    #[cfg_attr(feature = "config", schemars(extend("format" = "absolute-path")))]
    pub path: PathBuf,
    /// Names of the entries of the Secret, where they are none of the known ones.
    #[cfg_attr(feature = "config", serde(default))]
    pub key_names: Option<KeyNames>,
    /// The interval at which the files are read for a change; at least 100 milliseconds.
    #[cfg_attr(feature = "config", serde(default = "poll_interval"))]
    pub poll_interval: Duration,
}

fn poll_interval() -> Duration {
    Duration::from_secs(10)
}

impl SecretDirectorySettings {
    /// Makes settings for the Secret that is mounted there, with the known names.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), key_names: None, poll_interval: poll_interval() }
    }
}

/// The keys of a Secret that is mounted into the driver's pod.
///
/// # Guarantees
/// The files are read at each call, all of one generation: never the key id of the old Secret with
/// the key of the new one.
///
/// # Errors
/// Not applicable at pod level. `misconfigured` where there is no such directory; `not-found` where
/// it has none of the names, as the kubelet mounts an optional Secret that does not exist;
/// `invalid-secret` as for every Secret.
///
/// # Caveats
/// A `subPath` mount never changes: mount the whole Secret.
#[derive(Debug)]
pub struct SecretDirectorySource {
    name: Cow<'static, str>,
    path: PathBuf,
    /// The name of the directory in messages, always on one line.
    place: String,
    reader: Reader,
    follower: Follower,
}

impl SecretDirectorySource {
    /// Makes the source for this directory.
    pub fn new(settings: SecretDirectorySettings) -> Result<Self, Failure> {
        let SecretDirectorySettings { path, key_names, poll_interval } = settings;
        let reader = Reader::new(key_names)?;
        let files: Vec<_> = reader.names().iter().map(|name| path.join(name)).collect();
        Ok(Self {
            name: source_names::SECRET_DIRECTORY.into(),
            place: format!("the directory {:?}", path.to_string_lossy()),
            path,
            reader,
            follower: Follower::new(files, poll_interval),
        })
    }

    /// Sets its name in chains.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self { name: Cow::Owned(name.into()), ..self }
    }

    fn unreadable(&self, DirectoryError { file, error }: DirectoryError<'_>) -> Failure {
        let what =
            file.map_or_else(|| self.place.clone(), |file| format!("`{file}` of {}", self.place));
        let failure = error.failure(ErrorKind::InvalidSecret, &what);
        match error {
            FileError::Missing | FileError::NotRegular => failure.with_help(
                "mount the Secret there in the driver's pod, or correct the path in the configuration of the source",
            ),
            FileError::Refused(_) => failure.with_help(
                "let the user that the driver runs as read it: see `fsGroup` of its pod and `defaultMode` of the volume",
            ),
            _ => failure,
        }
    }
}

#[async_trait]
impl CredentialSource for SecretDirectorySource {
    fn name(&self) -> &str {
        &self.name
    }

    async fn provide(&self, context: &ProvideContext) -> Result<CredentialForm, SourceError> {
        not_for_pods(context)?;
        let files = read_directory(&self.path, self.reader.names(), MAX_FILE_LEN)
            .map_err(|error| self.unreadable(error))?;
        let keys = self.reader.read(&self.place, &files)?;
        keys.map(CredentialForm::Keys).ok_or_else(|| {
            let wanted = self.reader.wanted();
            SourceError::failed(
                ErrorKind::NotFound,
                format!("{} has neither of {wanted}", self.place),
            )
            .with_help(format!(
                "mount a Secret with {wanted} there: an optional one that does not exist is mounted as an empty directory; {}",
                self.reader.known()
            ))
        })
    }

    fn changes(&self) -> Option<Changes> {
        self.follower.changes()
    }
}
