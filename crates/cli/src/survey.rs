//! The leases of a state path, for `leases` and `audit`.

use std::process::ExitCode;

use s3_credential_core::{ErrorKind, Failure, PodInfo};
use s3_credential_provider::{
    Config, LeaseSurvey, ProvideError, RecordedLease, Registry, UnreadableRecord,
    default_state_path,
};
use serde::Serialize;

use crate::arguments::{ConfigArgument, StateArgument};
use crate::error::{exit_status, report_line};
use crate::setup;

/// A pod, as far as the kubelet named it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PodObject<'a> {
    namespace: Option<&'a str>,
    name: Option<&'a str>,
    uid: Option<&'a str>,
    service_account: Option<&'a str>,
}

#[derive(Serialize)]
pub(crate) struct UnreadableObject<'a> {
    record: &'a str,
    reason: &'a str,
}

/// Reads the state path of the command line, else of the configuration, else the default one.
pub(crate) fn read(
    state: &StateArgument,
    config: &ConfigArgument,
    registry: &Registry,
) -> Result<LeaseSurvey, Failure> {
    let path = match setup::given(state.state_path.as_deref()) {
        Some(path) => setup::absolute("--state-path", path)?,
        None => match setup::given(config.config.as_deref()) {
            Some(file) => {
                let text = setup::config_text(file)?;
                let config = Config::parse(registry, &file.display().to_string(), &text)?;
                config.settings().state_path.clone()
            }
            None => None,
        }
        .unwrap_or_else(|| default_state_path(&setup::environment())),
    };
    LeaseSurvey::read(&path)
}

impl<'a> From<&'a PodInfo> for PodObject<'a> {
    fn from(pod: &'a PodInfo) -> Self {
        Self {
            namespace: pod.namespace.as_deref(),
            name: pod.name.as_deref(),
            uid: pod.uid.as_deref(),
            service_account: pod.service_account.as_deref(),
        }
    }
}

impl<'a> From<&'a UnreadableRecord> for UnreadableObject<'a> {
    fn from(unreadable: &'a UnreadableRecord) -> Self {
        Self { record: &unreadable.name, reason: &unreadable.reason }
    }
}

/// `namespace/name`, else the uid of the pod that mounts.
pub(crate) fn pod_name(lease: &RecordedLease) -> String {
    let pod = lease.context.pod();
    match (&pod.namespace, &pod.name) {
        (Some(namespace), Some(name)) => format!("{namespace}/{name}"),
        _ => pod.uid.as_deref().or(lease.context.lease_pod()).unwrap_or("-").to_owned(),
    }
}

/// The role, else the service account, else the form of the credentials.
pub(crate) fn identity_name(lease: &RecordedLease) -> String {
    let identity = &lease.identity;
    match (&identity.second_role, &identity.role_arn, &identity.service_account) {
        (Some(second), _, _) => second.role_arn.to_string(),
        (None, Some(role), _) => role.to_string(),
        (None, None, Some(account)) => format!("service account {account}"),
        (None, None, None) => identity.form.clone(),
    }
}

/// The error of a survey in which records cannot be read.
pub(crate) fn verdict(survey: &LeaseSurvey) -> Option<ProvideError> {
    if survey.unreadable.is_empty() {
        return None;
    }
    let names: Vec<_> = survey.unreadable.iter().map(|record| record.name.as_str()).collect();
    let failure = Failure::new(
        ErrorKind::FileSystem,
        format!("cannot read {} records of leases: {}", names.len(), names.join(", ")),
    )
    .with_help("run the version of the driver that wrote them; a volume of each may be mounted");
    Some(failure.into())
}

/// Reports the error on stderr, and returns the exit status.
pub(crate) fn finish(error: Option<&ProvideError>) -> ExitCode {
    match error {
        None => ExitCode::SUCCESS,
        Some(error) => {
            report_line(error);
            ExitCode::from(exit_status(error.code()))
        }
    }
}
