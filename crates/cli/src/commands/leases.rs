//! `s3cred leases`

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use jiff::Timestamp;
use s3_credential_core::{Clock as _, RoleArn, SystemClock};
use s3_credential_provider::{
    LeasePhase, LeaseSurvey, ProvideError, RecordedLease, RefreshFailure, Registry,
};
use serde::Serialize;

use crate::arguments::{ReportFormat, SurveyArguments};
use crate::output::{self, ErrorObject, RegionName};
use crate::survey::{self, PodObject, UnreadableObject};
use crate::table::table;
use crate::text::{Style, printable};

/// What `leases --output json` prints.
#[derive(Serialize)]
struct LeasesObject<'a> {
    leases: Vec<LeaseObject<'a>>,
    unreadable: Vec<UnreadableObject<'a>>,
    #[serde(flatten)]
    error: Option<ErrorObject<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LeaseObject<'a> {
    volume_id: &'a str,
    holders: &'a [String],
    pod: PodObject<'a>,
    phase: LeasePhase,
    authentication_level: &'static str,
    credential_source: Option<&'a str>,
    form: &'a str,
    role_arn: Option<&'a str>,
    delivery: &'a str,
    region: Option<RegionName<'a>>,
    directory: &'a Path,
    expires_at: Option<Timestamp>,
    refresh_at: Option<Timestamp>,
    last_failure: Option<&'a RefreshFailure>,
}

pub(crate) fn run(
    arguments: &SurveyArguments,
    registry: &Registry,
) -> Result<ExitCode, ProvideError> {
    let survey = survey::read(&arguments.state, &arguments.config, registry)?;
    let error = survey::verdict(&survey);
    match arguments.output {
        ReportFormat::Json => output::print_json(&LeasesObject {
            leases: survey.leases.iter().map(Into::into).collect(),
            unreadable: survey.unreadable.iter().map(Into::into).collect(),
            error: error.as_ref().map(ErrorObject::new),
        }),
        ReportFormat::Text => output::print_text(&page(&survey, SystemClock.now())),
    }
    Ok(survey::finish(error.as_ref()))
}

impl<'a> From<&'a RecordedLease> for LeaseObject<'a> {
    fn from(lease: &'a RecordedLease) -> Self {
        let identity = &lease.identity;
        Self {
            volume_id: &lease.lease.volume_id,
            holders: &lease.lease.holders,
            pod: lease.context.pod().into(),
            phase: lease.phase,
            authentication_level: identity.level.as_str(),
            credential_source: identity.source.as_deref(),
            form: &identity.form,
            role_arn: identity.role_arn.as_ref().map(RoleArn::as_str),
            delivery: &lease.delivery,
            region: lease.region.as_ref().map(Into::into),
            directory: &lease.directory,
            expires_at: lease.expires_at,
            refresh_at: lease.refresh_at,
            last_failure: lease.last_failure.as_ref(),
        }
    }
}

fn page(survey: &LeaseSurvey, now: Timestamp) -> String {
    if survey.leases.is_empty() {
        return "no leases\n".to_owned();
    }
    let rows: Vec<_> = survey.leases.iter().map(|lease| row(lease, now)).collect();
    let header = ["VOLUME", "POD", "LEVEL", "SOURCE", "IDENTITY", "EXPIRES", "REFRESH", "STATE"];
    let mut lines = table(header, &rows).into_iter();
    let mut page = format!("{}\n", lines.next().unwrap_or_default());
    for (line, lease) in lines.zip(&survey.leases) {
        let _ = writeln!(page, "{line}");
        if let Some(failure) = &lease.last_failure {
            let RefreshFailure { since, kind, message, help, .. } = failure;
            let text = printable(&format!("since {since}: {kind}: {message} ({help})"));
            let _ = writeln!(page, "  {}", Style::Bad.paint(text));
        }
    }
    page
}

fn row(lease: &RecordedLease, now: Timestamp) -> [String; 8] {
    let time = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), whole_seconds);
    [
        lease.lease.volume_id.clone(),
        survey::pod_name(lease),
        lease.identity.level.to_string(),
        lease.identity.source.clone().unwrap_or_else(|| "-".to_owned()),
        survey::identity_name(lease),
        time(lease.expires_at),
        time(lease.refresh_at),
        state(lease, now).to_owned(),
    ]
}

fn whole_seconds(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

fn state(lease: &RecordedLease, now: Timestamp) -> &'static str {
    match lease.phase {
        LeasePhase::Publishing => "publishing",
        LeasePhase::Removing => "removing",
        _ if lease.expires_at.is_some_and(|at| at <= now) => "expired",
        _ if lease.last_failure.is_some() => "failing",
        _ => "ok",
    }
}
