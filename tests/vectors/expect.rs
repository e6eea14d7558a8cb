//! The Go driver's result of a step, in our layout.

use std::collections::BTreeMap;

use s3_credential_core::{PROFILE_NAME, names};

use crate::drive::clean;
use crate::model;
use crate::outcome::{Answer, Outcome, Refusal};
use crate::tree::{Node, Tree};
use crate::view::View;

/// Returns the recorded outcome, with what ours may add.
pub(crate) fn recorded(view: &View<'_>) -> Outcome {
    let answer = answer(view);
    let written = view.recorded.files.as_ref().map(|_| tree(view));
    let mut outcome = Outcome {
        tree: match &answer {
            Answer::Provided { variables, .. } => Some(delivered(view, variables)),
            _ => written,
        },
        answer,
        outside: view.recorded.outside.keys().cloned().collect(),
    };
    model::add_ours(view, &mut outcome);
    outcome
}

fn answer(view: &View<'_>) -> Answer {
    match (&view.recorded.error, &view.recorded.env) {
        (Some(error), _) => Answer::Refused(
            error.grpc_code.as_ref().map_or(Refusal::Plain, |code| Refusal::Code(code.clone())),
        ),
        (None, None) => Answer::CleanupReport,
        (None, Some(variables)) => Answer::Provided {
            level: view.recorded.authentication_source.clone().unwrap(),
            variables: variables
                .iter()
                .map(|(name, it)| (name.clone(), moved(view, name, it)))
                .collect(),
        },
    }
}

/// A value that names a file or a profile names ours.
fn moved(view: &View<'_>, name: &str, value: &str) -> String {
    if name == names::AWS_PROFILE {
        return PROFILE_NAME.to_owned();
    }
    let base = format!("{}/", clean(&view.provide().unwrap().env_path));
    match value.strip_prefix(&base) {
        Some(path) => model::env_path(view, &view.layout.relocate(path, &view.lease())),
        None => value.to_owned(),
    }
}

/// All that was under the write path afterwards.
fn tree(view: &View<'_>) -> Tree {
    let lease = view.lease();
    let files = view.recorded.files.iter().flatten();
    files
        .map(|(path, entry)| {
            let node = view.layout.rename(Node::from(entry), &lease);
            (view.layout.relocate(path, &lease), node)
        })
        .collect()
}

/// Returns the previous tree, with the files of this volume that its variables name. Other kept
/// files are ignored.
fn delivered(view: &View<'_>, variables: &BTreeMap<String, String>) -> Tree {
    let lease = view.lease();
    let mut delivered = view.before.clone().unwrap_or_default();
    delivered.retain(|path, _| !lease.owns(path));
    let named = |path: &String| {
        let path = model::env_path(view, path);
        variables.values().any(|value| *value == path)
    };
    delivered.extend(tree(view).into_iter().filter(|(path, _)| lease.owns(path) && named(path)));
    delivered
}
