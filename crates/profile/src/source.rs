//! The source.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use s3_credential_core::{
    AuthenticationLevel, Changes, CredentialForm, CredentialSource, Environment, ErrorKind,
    Failure, MountKind, ProfileFiles, ProvideContext, Secret, SourceError, names, source_names,
};
use s3_credential_files::{Follower, read};

/// More than any profile file holds.
const MAX_LEN: usize = 1 << 20;

/// How often the files are looked at while somebody wants to know of their changes.
const POLL: Duration = Duration::from_secs(10);

/// The driver's own profile files.
///
/// # Guarantees
/// At driver level and for systemd mounts only. Both files are read anew for every publish.
///
/// # Errors
/// Not applicable unless both `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE` are set. `misconfigured` where one of them cannot be
/// read.
#[derive(Debug)]
pub struct ProfileSource {
    files: Option<(PathBuf, PathBuf)>,
    profile: Option<String>,
    follower: Option<Follower>,
}

impl ProfileSource {
    /// The source for a driver with this environment.
    pub fn new(environment: &Environment) -> Self {
        let path = |name| environment.get(name).map(PathBuf::from);
        let files = path(names::AWS_CONFIG_FILE).zip(path(names::AWS_SHARED_CREDENTIALS_FILE));
        Self {
            follower: files.as_ref().map(|(config, credentials)| {
                Follower::new([config.clone(), credentials.clone()], POLL)
            }),
            profile: environment.get(names::AWS_PROFILE).map(str::to_owned),
            files,
        }
    }
}

#[async_trait]
impl CredentialSource for ProfileSource {
    fn name(&self) -> &'static str {
        source_names::PROFILE
    }

    async fn provide(&self, context: &ProvideContext) -> Result<CredentialForm, SourceError> {
        if context.level() != AuthenticationLevel::Driver {
            return Err(SourceError::not_applicable(
                "the driver's own profile is for driver level only",
            ));
        }
        if context.target().kind != MountKind::Systemd {
            return Err(SourceError::not_applicable(
                "the driver's own profile is for systemd mounts only: a Mountpoint pod has none of what it may refer to",
            ));
        }
        let Some((config, credentials)) = &self.files else {
            return Err(SourceError::not_applicable(
                "AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE are not both set for the driver",
            ));
        };
        let mut files = ProfileFiles::new(
            text(names::AWS_CONFIG_FILE, config)?,
            text(names::AWS_SHARED_CREDENTIALS_FILE, credentials)?,
        );
        files.profile.clone_from(&self.profile);
        Ok(CredentialForm::Profile(files))
    }

    fn changes(&self) -> Option<Changes> {
        self.follower.as_ref()?.changes()
    }
}

fn text(variable: &str, path: &PathBuf) -> Result<Secret, Failure> {
    read(path, MAX_LEN).map_err(|error| {
        error
            .failure(
                ErrorKind::Misconfigured,
                // On one line, whatever the path.
                &format!("the file {:?} of {variable}", path.to_string_lossy()),
            )
            .with_help(format!("let {variable} name a file that the driver may read, or unset it"))
    })
}
