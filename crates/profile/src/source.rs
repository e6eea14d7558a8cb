//! The source.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use s3_credential_core::{
    AuthenticationLevel, Changes, CredentialForm, CredentialSource, Environment, ErrorKind,
    Failure, ProfileFiles, ProvideContext, Secret, SourceError, names, source_names,
};
use s3_credential_files::Follower;

use crate::location::Location;
use crate::section::{DEFAULT, FileKind, Section};

/// The time between two looks at the files while there is a subscriber to their changes.
const POLL: Duration = Duration::from_secs(10);

const ACCESS_KEY_ID: &str = "aws_access_key_id";
const SECRET_ACCESS_KEY: &str = "aws_secret_access_key";

/// Properties that make the profile another identity than its own keys.
const REFERENCES: [&str; 11] = [
    "role_arn",
    "source_profile",
    "credential_source",
    "credential_process",
    "web_identity_token_file",
    "sso_session",
    "sso_start_url",
    "sso_account_id",
    "sso_role_name",
    "sso_region",
    "login_session",
];

/// The driver's own profile.
///
/// # Guarantees
/// At driver level only. Both files are read again for every publish. The chosen profile alone is
/// handed over, never another one of the same files.
///
/// # Errors
/// Not applicable if `AWS_PROFILE`, `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE` are all
/// unset or `/dev/null`. `misconfigured` if a file cannot be read, or the profile is missing, has
/// not both keys, or refers to another identity.
#[derive(Debug)]
pub struct ProfileSource {
    location: Option<Location>,
    follower: Option<Follower>,
}

impl ProfileSource {
    /// Makes the source for a driver with this environment.
    pub fn new(environment: &Environment) -> Self {
        let location = Location::from_environment(environment);
        Self {
            follower: location
                .as_ref()
                .map(|location| Follower::new(location.paths().map(Path::to_owned), POLL)),
            location,
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
        let location = self.location.as_ref().ok_or_else(|| {
            SourceError::not_applicable(
                "none of AWS_PROFILE, AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE is set for the driver",
            )
        })?;
        Ok(CredentialForm::Profile(chosen(location)?))
    }

    fn changes(&self) -> Option<Changes> {
        self.follower.as_ref()?.changes()
    }
}

/// Reads the chosen profile out of both files.
fn chosen(location: &Location) -> Result<ProfileFiles, Failure> {
    let name = location.name.as_deref().unwrap_or(DEFAULT);
    if name.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '[' | ']')) {
        return Err(misconfigured(
            "AWS_PROFILE holds white space, a control character or a bracket",
        )
        .with_help("rename the profile in its files, and set AWS_PROFILE to the new name"));
    }
    let config = location.config.read()?;
    let config = config.as_ref().map_or("", Secret::expose);
    let credentials = location.credentials.read()?;
    let credentials = credentials.as_ref().map_or("", Secret::expose);
    let config = Section::find(FileKind::Config, config, name);
    let credentials = Section::find(FileKind::Credentials, credentials, name);
    check(location, &config, &credentials)?;
    let mut files = ProfileFiles::new(config.to_file(), credentials.to_file());
    files.profile.clone_from(&location.name);
    Ok(files)
}

/// Refuses a profile that is not a pair of keys.
fn check(
    location: &Location,
    config: &Section<'_>,
    credentials: &Section<'_>,
) -> Result<(), Failure> {
    let profile = match location.name {
        Some(_) => "the profile that AWS_PROFILE names",
        None => "the profile `default`",
    };
    let files = format!("{} and {}", names::AWS_CONFIG_FILE, names::AWS_SHARED_CREDENTIALS_FILE);
    if !config.is_found && !credentials.is_found {
        return Err(misconfigured(format!("{profile} is in none of the files of {files}")).with_help(
            "set AWS_PROFILE to a profile that is in one of them, or set all three variables to /dev/null if the driver has no profile",
        ));
    }
    for (section, file) in [(config, &location.config), (credentials, &location.credentials)] {
        let reference = REFERENCES.into_iter().find(|property| section.get(property).is_some());
        if let Some(property) = reference {
            return Err(misconfigured(format!(
                "{profile} has `{property}` in the file of {}: only {ACCESS_KEY_ID}, {SECRET_ACCESS_KEY} and \
                 aws_session_token are supported",
                file.variable
            ))
            .with_help(
                "put keys into the profile, or give the driver a role in another way (irsa, pod-identity)",
            ));
        }
    }
    let is_there = |property| credentials.get(property).or_else(|| config.get(property)).is_some();
    let missing = match (is_there(ACCESS_KEY_ID), is_there(SECRET_ACCESS_KEY)) {
        (true, true) => return Ok(()),
        (true, false) => format!("{SECRET_ACCESS_KEY} is missing"),
        (false, true) => format!("{ACCESS_KEY_ID} is missing"),
        (false, false) => format!("{ACCESS_KEY_ID} and {SECRET_ACCESS_KEY} are missing"),
    };
    Err(misconfigured(format!("{profile} has no pair of keys in the files of {files}: {missing}"))
        .with_help("add the keys to the profile, or set all three variables to /dev/null if the driver has no profile"))
}

fn misconfigured(message: impl Into<String>) -> Failure {
    Failure::new(ErrorKind::Misconfigured, message.into())
}
