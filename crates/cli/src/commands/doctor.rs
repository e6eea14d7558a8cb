//! `s3cred doctor`

use std::fmt::Write as _;
use std::process::ExitCode;

use s3_credential_core::{ErrorKind, Failure};
use s3_credential_provider::{
    Check, CheckStatus, Diagnosis, DoctorOptions, ProvideError, Registry,
};
use serde::Serialize;

use crate::arguments::{DoctorArguments, ReportFormat};
use crate::error::{exit_status, report_line};
use crate::output::{self, ErrorObject};
use crate::setup;
use crate::text::Style;

/// What `doctor --output json` prints: one object, with the error in it where a check failed.
#[derive(Serialize)]
struct DiagnosisObject<'a> {
    checks: Vec<CheckObject<'a>>,
    roles: Option<&'a str>,
    #[serde(flatten)]
    error: Option<ErrorObject<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CheckObject<'a> {
    name: &'a str,
    status: &'static str,
    reason: &'a str,
    help: Option<&'a str>,
    duration_ms: f64,
}

pub(crate) async fn run(
    arguments: DoctorArguments,
    registry: &Registry,
) -> Result<ExitCode, ProvideError> {
    let provider = setup::builder(registry, &arguments.config, Some(&arguments.state))?.build()?;
    let options = match setup::given(arguments.write_path.as_deref()) {
        Some(path) => {
            DoctorOptions::default().with_write_path(setup::absolute("--write-path", path)?)
        }
        None => DoctorOptions::default(),
    };
    let diagnosis = Box::pin(provider.doctor(&options)).await;
    let error = verdict(&diagnosis);
    match arguments.output {
        ReportFormat::Json => output::print_json(&DiagnosisObject {
            checks: diagnosis.checks.iter().map(Into::into).collect(),
            roles: diagnosis.roles.as_deref(),
            error: error.as_ref().map(ErrorObject::new),
        }),
        ReportFormat::Text => output::print_text(&table(&diagnosis)),
    }
    Ok(match error {
        None => ExitCode::SUCCESS,
        Some(error) => {
            report_line(&error);
            ExitCode::from(exit_status(error.code()))
        }
    })
}

/// The driver's set-up is wrong where a check failed.
fn verdict(diagnosis: &Diagnosis) -> Option<ProvideError> {
    let failed: Vec<_> = diagnosis.failed().map(|check| check.name.as_str()).collect();
    if failed.is_empty() {
        return None;
    }
    let (of, names) = (diagnosis.checks.len(), failed.join(", "));
    let failure = Failure::new(
        ErrorKind::Misconfigured,
        format!("{} of {of} checks failed: {names}", failed.len()),
    )
    .with_help("do what the help of each failed check says");
    Some(failure.into())
}

impl<'a> From<&'a Check> for CheckObject<'a> {
    fn from(check: &'a Check) -> Self {
        Self {
            name: &check.name,
            status: check.status.as_str(),
            reason: &check.reason,
            help: check.help.as_deref(),
            duration_ms: output::milliseconds(check.duration),
        }
    }
}

/// The checks, with what can be done, and the roles that are missing.
fn table(diagnosis: &Diagnosis) -> String {
    let mut text = String::new();
    let width = diagnosis.checks.iter().map(|check| check.name.len()).max().unwrap_or_default();
    for check in &diagnosis.checks {
        let style = match check.status {
            CheckStatus::Ok => Style::Good,
            CheckStatus::Warning => Style::Uncertain,
            CheckStatus::Failed => Style::Bad,
            CheckStatus::Skipped => Style::Faint,
        };
        // As wide as the longest word for a status.
        let status = style.paint(format!("{:7}", check.status.as_str()));
        let mut head = format!("{status}  {:width$}", check.name);
        let help = check.help.iter().map(|help| format!("help: {help}"));
        // Several sources or services may have had their say.
        for line in check.reason.split("; ").map(str::to_owned).chain(help) {
            let _ = writeln!(text, "{head}  {line}");
            head = format!("{:7}  {:width$}", "", "");
        }
    }
    if let Some(roles) = &diagnosis.roles {
        let title = "Permissions are missing; `kubectl apply` grants them:";
        let _ = write!(text, "\n{}\n\n{roles}", Style::Strong.paint(title));
    }
    text
}
