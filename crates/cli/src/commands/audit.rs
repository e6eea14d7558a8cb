//! `s3cred audit`

use std::fmt::Write as _;
use std::process::ExitCode;

use s3_credential_core::{Failure, RoleArn};
use s3_credential_provider::{
    LeaseSurvey, PassedOver, ProvideError, Reasons, RecordedLease, Registry,
};
use serde::Serialize;
use serde_json::Value as Json;

use crate::arguments::{ReportFormat, SurveyArguments};
use crate::output::{self, ErrorObject};
use crate::survey::{self, PodObject, UnreadableObject};
use crate::text::{Style, printable};

/// What `audit --output json` prints.
#[derive(Serialize)]
struct AuditObject<'a> {
    volumes: Vec<VolumeObject<'a>>,
    unreadable: Vec<UnreadableObject<'a>>,
    #[serde(flatten)]
    error: Option<ErrorObject<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VolumeObject<'a> {
    volume_id: &'a str,
    pod: PodObject<'a>,
    authentication_level: &'static str,
    level_reason: Option<&'static str>,
    credential_source: Option<&'a str>,
    passed_over: &'a [PassedOver],
    form: &'a str,
    role_arn: Option<&'a str>,
    role_origin: Option<&'a str>,
    second_role_arn: Option<&'a str>,
    service_account: Option<&'a str>,
    scope: &'static str,
    bucket: Option<&'a str>,
    policy: Option<Json>,
    policy_error: Option<PolicyError>,
}

#[derive(Serialize)]
struct PolicyError {
    kind: &'static str,
    message: String,
    help: String,
}

pub(crate) fn run(
    arguments: &SurveyArguments,
    registry: &Registry,
) -> Result<ExitCode, ProvideError> {
    let survey = survey::read(&arguments.state, &arguments.config, registry)?;
    let error = survey::verdict(&survey);
    match arguments.output {
        ReportFormat::Json => output::print_json(&AuditObject {
            volumes: survey.leases.iter().map(Into::into).collect(),
            unreadable: survey.unreadable.iter().map(Into::into).collect(),
            error: error.as_ref().map(ErrorObject::new),
        }),
        ReportFormat::Text => output::print_text(&page(&survey)),
    }
    Ok(survey::finish(error.as_ref()))
}

impl<'a> From<&'a RecordedLease> for VolumeObject<'a> {
    fn from(lease: &'a RecordedLease) -> Self {
        let (identity, reasons) = (&lease.identity, lease.reasons.as_ref());
        let (policy, policy_error) = match lease.least_policy() {
            Ok(policy) => (policy.and_then(|text| serde_json::from_str(&text).ok()), None),
            Err(failure) => (None, Some(PolicyError::from(&failure))),
        };
        Self {
            volume_id: &lease.lease.volume_id,
            pod: lease.context.pod().into(),
            authentication_level: identity.level.as_str(),
            level_reason: reasons.map(|reasons| Reasons::of_named_level(reasons.names_level)),
            credential_source: identity.source.as_deref(),
            passed_over: reasons.map_or(&[], |reasons| &reasons.passed_over),
            form: &identity.form,
            role_arn: identity.role_arn.as_ref().map(RoleArn::as_str),
            role_origin: reasons.and_then(|reasons| reasons.role.as_deref()),
            second_role_arn: identity.second_role.as_ref().map(|role| role.role_arn.as_str()),
            service_account: identity.service_account.as_deref(),
            scope: if identity.scope.is_some() { "volume" } else { "role" },
            bucket: lease.context.bucket(),
            policy,
            policy_error,
        }
    }
}

impl From<&Failure> for PolicyError {
    fn from(failure: &Failure) -> Self {
        Self {
            kind: failure.kind().as_str(),
            message: failure.message().to_owned(),
            help: failure.help().to_owned(),
        }
    }
}

fn page(survey: &LeaseSurvey) -> String {
    if survey.leases.is_empty() {
        return "no volumes\n".to_owned();
    }
    let volumes: Vec<_> = survey.leases.iter().map(volume).collect();
    volumes.join("\n")
}

/// A volume: a title, and one line for each fact.
fn volume(lease: &RecordedLease) -> String {
    let object = VolumeObject::from(lease);
    let title = format!("{} ({})", object.volume_id, survey::pod_name(lease));
    let mut text = format!("{}\n", Style::Strong.paint(printable(&title)));
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:9} {}", printable(value));
    };
    let because = |reason: Option<&str>| reason.map(|it| format!(": {it}")).unwrap_or_default();
    line("level", &format!("{}{}", object.authentication_level, because(object.level_reason)));
    let source = object.credential_source.unwrap_or("none");
    line("source", &format!("{source} ({})", object.form));
    for PassedOver { source, reason, .. } in object.passed_over {
        line("", &format!("not {source}: {reason}"));
    }
    if let Some(role) = object.role_arn {
        line("role", &format!("{role}{}", because(object.role_origin)));
    }
    if let Some(role) = object.second_role_arn {
        line("then", role);
    }
    if let Some(account) = object.service_account {
        line("account", account);
    }
    line(
        "scope",
        match object.scope {
            "volume" => "volume: the credentials are narrowed to the policy below",
            _ => "role: the credentials allow all that their owner allows",
        },
    );
    match (&object.policy, &object.policy_error) {
        (Some(policy), _) => line("needs", &policy.to_string()),
        (None, Some(error)) => {
            line("needs", &format!("{}: {} ({})", error.kind, error.message, error.help));
        }
        (None, None) => line("needs", "no policy: the volume is read without credentials"),
    }
    text
}
