//! The JSON objects of the command line's contract, and shell lines.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Duration;

use jiff::Timestamp;
use s3_credential_core::{Attempt, EnvironmentValue, ResolvedRegion, mask_user_info, names};
use s3_credential_provider::{CleanupReport, ProvideError, Provided};
use serde::Serialize;

/// What stands in the place of a key variable's value.
const MASK: &str = "********";

/// The first write to stdout that failed.
static FAILED: OnceLock<io::Error> = OnceLock::new();

/// Prints one object on a line.
pub(crate) fn print_json(object: &impl Serialize) {
    let mut out = io::stdout().lock();
    let written = serde_json::to_writer(&mut out, object).map_err(io::Error::from);
    note(written.and_then(|()| writeln!(out)).and_then(|()| out.flush()));
}

pub(crate) fn print_text(text: &str) {
    let mut out = io::stdout().lock();
    note(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Prints one line for a person.
pub(crate) fn warn(warning: &impl fmt::Display) {
    let line = format!("s3cred: warning: {warning}");
    let _ = writeln!(io::stderr(), "{}", crate::text::printable(&line));
}

/// A reader that has closed its end has read what it wanted; every other failure is remembered.
pub(crate) fn note(written: io::Result<()>) {
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        let _ = FAILED.set(error);
    }
}

/// The exit status of the process: a success whose output is lost is a failure.
pub(crate) fn status(of_command: ExitCode) -> ExitCode {
    match FAILED.get() {
        Some(error) if of_command == ExitCode::SUCCESS => {
            let line = format!(
                "s3cred: internal: cannot write to standard output: {error} (make room for the output, and run it again)"
            );
            let _ = writeln!(io::stderr(), "{line}");
            ExitCode::FAILURE
        }
        _ => of_command,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProvidedObject<'a> {
    authentication_level: &'static str,
    credential_source: Option<&'a str>,
    form: &'a str,
    delivery: &'static str,
    region: Option<RegionName<'a>>,
    environment: BTreeMap<&'a str, Cow<'a, str>>,
    files: Vec<FileObject<'a>>,
    expires_at: Option<Timestamp>,
    refresh_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    identity_changed: bool,
    attempts: Vec<SourceAttempt<'a>>,
    warnings: Vec<&'a str>,
}

#[derive(Serialize)]
pub(crate) struct RegionName<'a> {
    name: &'a str,
    resolver: &'a str,
}

#[derive(Serialize)]
struct FileObject<'a> {
    path: &'a PathBuf,
    mode: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SourceAttempt<'a> {
    source: &'a str,
    outcome: &'static str,
    reason: Option<&'a str>,
    duration_ms: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResolverAttempt<'a> {
    resolver: &'a str,
    outcome: &'static str,
    reason: Option<&'a str>,
    duration_ms: f64,
}

/// In milliseconds, to the microsecond.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

fn source_attempts(attempts: &[Attempt]) -> Vec<SourceAttempt<'_>> {
    attempts
        .iter()
        .map(|attempt| SourceAttempt {
            source: &attempt.plugin,
            outcome: attempt.outcome.as_str(),
            reason: attempt.reason.as_deref(),
            duration_ms: milliseconds(attempt.duration),
        })
        .collect()
}

pub(crate) fn resolver_attempts(attempts: &[Attempt]) -> Vec<ResolverAttempt<'_>> {
    attempts
        .iter()
        .map(|attempt| ResolverAttempt {
            resolver: &attempt.plugin,
            outcome: attempt.outcome.as_str(),
            reason: attempt.reason.as_deref(),
            duration_ms: milliseconds(attempt.duration),
        })
        .collect()
}

impl<'a> From<&'a ResolvedRegion> for RegionName<'a> {
    fn from(resolved: &'a ResolvedRegion) -> Self {
        Self { name: resolved.region.as_str(), resolver: &resolved.resolver }
    }
}

/// Variables that hold a URL, of which only the user name and the password are masked.
const URLS: [&str; 6] = [
    names::HTTPS_PROXY,
    "https_proxy",
    names::AWS_ENDPOINT_URL,
    names::AWS_ENDPOINT_URL_STS,
    "AWS_ENDPOINT_URL_S3",
    names::AWS_EC2_METADATA_SERVICE_ENDPOINT,
];

/// A value as it may be printed: keys, passwords and authorizations are masked unless they were
/// asked for.
pub(crate) fn printable<'a>(name: &str, value: &'a EnvironmentValue, reveal: bool) -> Cow<'a, str> {
    match value {
        EnvironmentValue::Secret(url) if !reveal && URLS.contains(&name) => {
            mask_user_info(url.expose()).into()
        }
        EnvironmentValue::Secret(_) if !reveal => MASK.into(),
        value => value.expose().into(),
    }
}

impl<'a> ProvidedObject<'a> {
    pub(crate) fn new(provided: &'a Provided, reveal: bool) -> Self {
        Self {
            authentication_level: provided.level.as_str(),
            credential_source: provided.identity.source.as_deref(),
            form: &provided.identity.form,
            delivery: provided.delivery.as_str(),
            region: provided.region.as_ref().map(Into::into),
            environment: provided
                .environment
                .iter()
                .map(|(name, value)| (name.as_str(), printable(name, value, reveal)))
                .collect(),
            files: provided
                .files
                .iter()
                .map(|file| FileObject { path: &file.path, mode: format!("{:04o}", file.mode) })
                .collect(),
            expires_at: provided.expires_at,
            refresh_at: provided.refresh_at,
            identity_changed: provided.identity_changed,
            attempts: source_attempts(&provided.attempts),
            warnings: provided.warnings.iter().map(|warning| warning.message.as_str()).collect(),
        }
    }
}

/// `KEY='value'` lines that a POSIX shell reads back unchanged.
pub(crate) fn shell_lines(provided: &Provided, reveal: bool) -> String {
    provided
        .environment
        .iter()
        .map(|(name, value)| {
            format!("{name}='{}'\n", printable(name, value, reveal).replace('\'', r"'\''"))
        })
        .collect()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CleanedUpObject<'a> {
    removed: &'a [PathBuf],
    remaining_holders: usize,
}

impl<'a> From<&'a CleanupReport> for CleanedUpObject<'a> {
    fn from(cleaned: &'a CleanupReport) -> Self {
        Self { removed: &cleaned.removed, remaining_holders: cleaned.remaining_holders }
    }
}

#[derive(Serialize)]
pub(crate) struct RegionObject<'a> {
    region: RegionName<'a>,
    attempts: Vec<ResolverAttempt<'a>>,
}

impl<'a> RegionObject<'a> {
    pub(crate) fn new(resolved: &'a ResolvedRegion, attempts: &'a [Attempt]) -> Self {
        Self { region: resolved.into(), attempts: resolver_attempts(attempts) }
    }
}

#[derive(Serialize)]
pub(crate) struct ErrorObject<'a> {
    error: ErrorBody<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorBody<'a> {
    kind: &'static str,
    code: &'static str,
    retryable: bool,
    message: &'a str,
    help: &'a str,
    attempts: Vec<SourceAttempt<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    region_attempts: Vec<ResolverAttempt<'a>>,
}

impl<'a> ErrorObject<'a> {
    pub(crate) fn new(error: &'a ProvideError) -> Self {
        Self {
            error: ErrorBody {
                kind: error.kind().as_str(),
                code: error.code().as_str(),
                retryable: error.is_retryable(),
                message: error.failure.message(),
                help: error.help(),
                attempts: source_attempts(&error.attempts),
                region_attempts: resolver_attempts(&error.region_attempts),
            },
        }
    }
}
