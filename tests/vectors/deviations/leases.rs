//! Deviations for the names of a volume's own files.

use s3_credential_core::ErrorKind;

use super::refuse;
use crate::model;
use crate::outcome::{Answer, Outcome};
use crate::tokens::{Entry, of};
use crate::tree::Tree;
use crate::view::{DriverSource, View};

/// The longest name that a file system takes, in bytes.
const MAX: usize = 255;
/// The length that a name gains while its file is being written: a dot, and ten digits.
const WHILE_WRITING: usize = 11;

pub(super) fn names(view: &View<'_>, expected: &mut Outcome) {
    if view.lease().volume.is_empty() {
        // An empty id names no volume, and all volumes would share it.
        refuse(view, ErrorKind::InvalidRequest, expected);
    } else if view.provide().is_some() {
        of_publish(view, expected);
    } else {
        of_unpublish(view, expected);
    }
}

fn of_publish(view: &View<'_>, expected: &mut Outcome) {
    let provide = view.provide().unwrap();
    // Mountpoint's cache is named by the two with a slash between them.
    let is_ambiguous = [&provide.pod_namespace, &provide.service_account_name]
        .iter()
        .any(|part| part.contains('/'));
    if provide.mount_kind == "systemd" && is_ambiguous {
        refuse(view, ErrorKind::InvalidRequest, expected);
        return;
    }
    let [agent, sts, _, credentials]: [String; 4] =
        view.lease().go_names().collect::<Vec<_>>().try_into().unwrap();
    let is_long = |name: &str| name.len() + WHILE_WRITING > MAX;
    let tokens = of(provide);
    match (view.driver_sources().as_slice(), tokens) {
        ([DriverSource::Keys], _) if provide.is_driver_level() && is_long(&credentials) => {
            *expected = model::of_driver(view, DriverSource::Keys);
        }
        (_, Some([Entry::Token { text, .. }, _])) if view.pod_role().is_some() && is_long(&sts) => {
            *expected = model::of_pod(view, &text);
        }
        (_, Some([_, Entry::Token { text, .. }]))
            if provide.is_pod_level() && view.pod_role().is_none() && is_long(&agent) =>
        {
            *expected = model::of_pod_identity(view, &text);
        }
        _ => {}
    }
}

fn of_unpublish(view: &View<'_>, expected: &mut Outcome) {
    let lease = view.lease();
    if lease.go_names().any(|name| name.len() > MAX) {
        let mut left = view.before.clone().unwrap_or_default();
        left.retain(|path, _| !lease.owns(path));
        expected.answer = Answer::CleanupReport;
        expected.tree = Some(left);
        return;
    }
    // What is another's stays, though the Go driver has it under a name that this one has too.
    let others: Tree = view
        .before
        .iter()
        .flatten()
        .filter(|(path, _)| path.starts_with("s3cred@") && !lease.owns(path))
        .map(|(path, node)| (path.clone(), node.clone()))
        .collect();
    if let Some(tree) = &mut expected.tree {
        tree.extend(others);
    }
}
