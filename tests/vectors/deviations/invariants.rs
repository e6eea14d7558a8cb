//! Deviations that the README's list leaves to the invariants that it names.

use s3_credential_core::{ErrorKind, MAX_TOKEN_LEN, names};

use super::refuse;
use crate::model;
use crate::outcome::Outcome;
use crate::tokens::{Entry, of};
use crate::tree::Node;
use crate::view::{DriverSource, View};

/// The Go driver follows a link, and drops `a/..` from the path where there is no `a`.
pub(super) fn write_path(view: &View<'_>, expected: &mut Outcome) {
    let path = view.write_path();
    let is_link =
        path.strip_prefix("{SCRATCH}/").and_then(|name| view.kind_of(name)) == Some("symlink");
    let is_broken = path.contains("/nope/..");
    // A volume that was never provided there is cleaned up all the same.
    if (is_link || is_broken) && view.provide().is_some() {
        refuse(view, ErrorKind::FileSystem, expected);
    }
}

/// The Go driver gives up before a directory.
pub(super) fn replaced(view: &View<'_>, expected: &mut Outcome) {
    let Some(provide) = view.provide() else { return };
    let lease = view.lease();
    let stands_there = view
        .before
        .iter()
        .flatten()
        .any(|(path, node)| lease.owns(path) && matches!(node, Node::Directory { .. }));
    if !stands_there {
        return;
    }
    if provide.is_driver_level() {
        *expected = model::of_driver(view, view.driver_sources()[0]);
    } else if let Some([sts, agent]) = of(provide) {
        *expected = match view.pod_role() {
            Some(_) => model::of_pod(view, sts.text().unwrap()),
            None => model::of_pod_identity(view, agent.text().unwrap()),
        };
    }
}

pub(super) fn input(view: &View<'_>, expected: &mut Outcome) {
    let is_keys = view.driver_sources().first() == Some(&DriverSource::Keys);
    if view.driver_level().is_some() && is_keys {
        let key = view.get(names::AWS_SECRET_ACCESS_KEY);
        let is_comment = key.contains(" ;") || key.contains(" #");
        let is_trimmed = key != key.trim();
        if is_comment || is_trimmed || key.contains(['"', '\'', char::REPLACEMENT_CHARACTER]) {
            refuse(view, ErrorKind::InvalidSecret, expected);
        }
    }
    let Some(provide) = view.pod_level() else { return };
    if let Some([Entry::Token { text, .. }, _]) = of(provide)
        && view.pod_role().is_some()
        && text.len() > MAX_TOKEN_LEN
    {
        refuse(view, ErrorKind::MalformedToken, expected);
    }
    let uri = view.get(names::EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI);
    if view.pod_role().is_none() && !uri.is_empty() && uri.trim().is_empty() {
        refuse(view, ErrorKind::Misconfigured, expected);
    }
}

/// The Go driver takes any word for one that is neither.
pub(super) fn mount_kind(view: &View<'_>, expected: &mut Outcome) {
    let Some(provide) = view.provide() else { return };
    if !["", "pod", "systemd"].contains(&provide.mount_kind.as_str()) {
        refuse(view, ErrorKind::InvalidRequest, expected);
    }
}
