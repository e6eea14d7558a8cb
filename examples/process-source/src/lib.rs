//! A credential source of a third party, to copy: keys that a program prints in the manner of
//! `credential_process`, such as the helper of IAM Roles Anywhere.
//!
//! **In:** [`ProcessSettings`], which are what a configuration file says under `sources`, and a
//! volume. **Out:** keys, with their expiry. **Fails** with `misconfigured` where the program
//! cannot be started, `unavailable` where it fails, `invalid-secret` where what it prints is not
//! keys; for a volume of another bucket than those of the settings the source does not apply.
//!
//! It is used by its name in a configuration file, after one registration:
//!
//! ```yaml
//! chains:
//!   driver: [process]
//! sources:
//!   process: {command: [/usr/local/bin/aws_signing_helper, credential-process, --role-arn, ...]}
//! ```
//!
//! What every source has to do, and what this one shows:
//! - say "does not apply" only of what is none of its business, with the reason; what is configured
//!   and broken is an error;
//! - name fields in errors, and never show values: what the program prints goes into no message, in
//!   no way;
//! - be dropped at any await without harm: the program is killed then;
//! - pass the suite of the testkit (`tests/conformance.rs`).

use std::fmt;
use std::process::Stdio;

use async_trait::async_trait;
use jiff::Timestamp;
use s3_credential_core::{
    CredentialForm, CredentialSource, ErrorKind, Failure, Keys, ProvideContext, Secret, SourceError,
};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use zeroize::Zeroizing;

/// The name of this type of source in configuration files.
pub const NAME: &str = "process";

/// The most that a program may print, in bytes.
const MOST: usize = 64 << 10;

/// The settings under `sources` in a configuration file. The schema describes each key by its
/// documentation here.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessSettings {
    /// The program, and its arguments. It gets no environment.
    #[schemars(length(min = 1))]
    pub command: Vec<String>,
    /// The buckets that it has keys for; all where it is left out.
    #[serde(default)]
    pub buckets: Option<Vec<String>>,
}

/// Keys that a program prints.
#[derive(Clone)]
pub struct ProcessSource {
    program: String,
    arguments: Vec<String>,
    buckets: Option<Vec<String>>,
}

impl ProcessSource {
    /// The source with these settings.
    ///
    /// # Errors
    /// `invalid-configuration` for what no volume could ever be served with.
    pub fn try_new(settings: ProcessSettings) -> Result<Self, Failure> {
        let ProcessSettings { command, buckets } = settings;
        let mut words = command.into_iter();
        match words.next() {
            Some(program) if program.starts_with('/') => {
                Ok(Self { program, arguments: words.collect(), buckets })
            }
            _ => Err(Failure::new(
                ErrorKind::InvalidConfiguration,
                "`command` does not begin with the absolute path of a program",
            )),
        }
    }

    async fn run(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let program = &self.program;
        let mut child = Command::new(program)
            .args(&self.arguments)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                Failure::new(ErrorKind::Misconfigured, format!("{program} cannot be started"))
                    .with_cause(error)
                    .with_help("correct the `command` of the source")
            })?;
        // Room for all of it at once, so that no copy is left behind in memory that grew.
        let mut printed = Zeroizing::new(Vec::with_capacity(MOST));
        let failed = |what: &str| Failure::new(ErrorKind::Unavailable, format!("{program} {what}"));
        if let Some(stdout) = child.stdout.take() {
            let read = stdout.take(MOST as u64).read_to_end(&mut printed).await;
            read.map_err(|error| failed("cannot be read").with_cause(error))?;
        }
        match child.wait().await {
            Ok(status) if status.success() => Ok(printed),
            Ok(status) => Err(failed(&format!("failed: {status}"))),
            Err(error) => Err(failed("cannot be waited for").with_cause(error)),
        }
    }
}

/// Without the arguments, in which people put passwords.
impl fmt::Debug for ProcessSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessSource").field("program", &self.program).finish_non_exhaustive()
    }
}

#[async_trait]
impl CredentialSource for ProcessSource {
    fn name(&self) -> &str {
        NAME
    }

    async fn provide(&self, context: &ProvideContext) -> Result<CredentialForm, SourceError> {
        if let Some(buckets) = &self.buckets {
            let bucket = context.bucket().unwrap_or_default();
            if !buckets.iter().any(|known| known == bucket) {
                return Err(SourceError::not_applicable(
                    "the volume's bucket is not one of `buckets`",
                )
                .with_help("add the bucket to the `buckets` of the source"));
            }
        }
        let printed = self.run().await?;
        let printed: Printed = serde_json::from_slice(&printed).map_err(|_| {
            // The error of serde may quote what it has read.
            SourceError::failed(ErrorKind::InvalidSecret, "the program prints no `credential_process` JSON")
                .with_help("let it print the members Version, AccessKeyId and SecretAccessKey, and for temporary keys SessionToken and Expiration")
        })?;
        Ok(CredentialForm::Keys(printed.keys()?))
    }
}

/// The output of the program
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: u8,
    access_key_id: Secret,
    secret_access_key: Secret,
    session_token: Option<Secret>,
    expiration: Option<Timestamp>,
}

impl Printed {
    fn keys(self) -> Result<Keys, Failure> {
        if self.version != 1 {
            return Err(Failure::new(
                ErrorKind::InvalidSecret,
                "the program prints another version of `credential_process` than 1",
            )
            .with_help("use a program that prints version 1"));
        }
        let mut keys = Keys::new(self.access_key_id, self.secret_access_key);
        keys.session_token = self.session_token;
        keys.expires_at = self.expiration;
        keys.check(|part| format!("the {} that the program prints", part.as_str()))
            .map_err(|failure| failure.with_help("correct what the program prints"))?;
        Ok(keys)
    }
}
