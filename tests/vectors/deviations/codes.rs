//! Errors by the CSI table, where the Go driver has another code.

use s3_credential_core::{ErrorKind, names};

use crate::outcome::{Answer, Outcome, Refusal};
use crate::view::View;

/// Only where the Go driver has a code at all: a plain error has no code that could differ.
pub(super) fn of_the_csi_table(view: &View<'_>, expected: &mut Outcome) {
    if let Answer::Refused(Refusal::Code(_)) = &expected.answer
        && let Some(kind) = kind(view)
    {
        expected.answer = Answer::Refused(Refusal::Kind(kind));
    }
}

fn kind(view: &View<'_>) -> Option<ErrorKind> {
    if view.lease().volume.contains('\0') {
        return Some(ErrorKind::InvalidRequest);
    }
    of_live_lease(view).or_else(|| of_files(view)).or_else(|| of_role(view))
}

/// A final code would make the kubelet tear down a mount that works.
fn of_live_lease(view: &View<'_>) -> Option<ErrorKind> {
    let is_live = view.provide().is_some() && view.live.contains(&view.lease());
    is_live.then_some(ErrorKind::Unavailable)
}

fn of_files(view: &View<'_>) -> Option<ErrorKind> {
    let is_file = view.write_path() == "{SCRATCH}/f";
    let cannot_write = view.case.input.no_write_dir || is_file;
    (cannot_write || view.kind_of("write") == Some("dir")).then_some(ErrorKind::FileSystem)
}

fn of_role(view: &View<'_>) -> Option<ErrorKind> {
    let provide = view.pod_level()?;
    if provide.pod().is_empty() || view.pod_role().is_some() {
        return None;
    }
    let account = format!("{}/{}", provide.pod_namespace, provide.service_account_name);
    let input = &view.case.input;
    let has_agent = view.has(names::EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI);
    match input.service_account_errors.get(&account) {
        Some(error) if error.contains("forbidden") => Some(ErrorKind::PermissionDenied),
        Some(_) => Some(ErrorKind::Unavailable),
        None if provide.service_account_name.is_empty() => None,
        None if provide.mount_kind == "systemd"
            && !input.service_accounts.contains_key(&account) =>
        {
            Some(ErrorKind::NotFound)
        }
        None if !has_agent => Some(ErrorKind::NoSource),
        None => None,
    }
}
