//! Deviations for the choice among configured sources.

use s3_credential_core::names;

use crate::model;
use crate::outcome::Outcome;
use crate::tokens;
use crate::view::{DriverSource, View};

/// Mountpoint's own order, in which it would pick from a merged environment.
const MOUNTPOINT: [DriverSource; 4] =
    [DriverSource::Keys, DriverSource::Profile, DriverSource::Irsa, DriverSource::Container];

/// The sources that the Go driver would merge.
fn merged(view: &View<'_>) -> Vec<DriverSource> {
    let sources = view.driver_sources();
    let is_pod = view.driver_level().is_some_and(|provide| provide.mount_kind == "pod");
    let has_keys = sources.contains(&DriverSource::Keys);
    sources
        .into_iter()
        .filter(|source| match source {
            DriverSource::Container => is_pod,
            DriverSource::Profile => !has_keys,
            DriverSource::Irsa | DriverSource::Keys => true,
        })
        .collect()
}

/// Ours, if what it needs is there.
fn usable(view: &View<'_>) -> Option<DriverSource> {
    let first = *view.driver_sources().first()?;
    let has_token = view.driver_token(first).is_some();
    let needs_none = matches!(first, DriverSource::Keys | DriverSource::Profile);
    (has_token || needs_none).then_some(first)
}

pub(super) fn one_source(view: &View<'_>, expected: &mut Outcome) {
    let merged = merged(view);
    if view.driver_level().is_none() || merged.len() < 2 || usable(view).is_none() {
        return;
    }
    *expected = model::of_driver(view, pick(&merged));
}

fn pick(merged: &[DriverSource]) -> DriverSource {
    MOUNTPOINT.into_iter().find(|source| merged.contains(source)).unwrap()
}

/// Of what is left when one source counts.
pub(super) fn roles_before_keys(view: &View<'_>, expected: &mut Outcome) {
    let merged = merged(view);
    let Some(source @ (DriverSource::Irsa | DriverSource::Container)) = usable(view) else {
        return;
    };
    if view.driver_level().is_none() || merged.is_empty() {
        return;
    }
    let pick = pick(&merged);
    let are_keys = matches!(pick, DriverSource::Keys | DriverSource::Profile);
    if are_keys && *expected == model::of_driver(view, pick) {
        *expected = model::of_driver(view, source);
    }
}

/// A pod without a role, where the agent's address is known.
pub(super) fn every_mount_kind(view: &View<'_>, expected: &mut Outcome) {
    let Some(provide) = view.pod_level() else { return };
    let account = format!("{}/{}", provide.pod_namespace, provide.service_account_name);
    let applies = provide.mount_kind == "systemd"
        && view.pod_role().is_none()
        && view.case.input.service_accounts.contains_key(&account)
        && view.has(names::EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI);
    if applies && let Some([_, tokens::Entry::Token { text, .. }]) = tokens::of(provide) {
        *expected = model::of_pod_identity(view, &text);
    }
}
