//! Keys under their former names: they are read, with a warning.

use s3_credential_core::source_names;

use crate::config::schema::TYPE;
use crate::document::{Diagnostic, Node, key_path};

/// The former names of keys, by the path of their mapping.
const FORMER: &[(&str, &[(&str, &str)])] = &[
    ("", &[("deadline", "operationTimeout")]),
    ("rotation", &[("firstRetry", "initialBackoff"), ("lastRetry", "maxBackoff")]),
    (
        "rotation.cache",
        &[
            ("firstBackoff", "initialBackoff"),
            ("lastBackoff", "maxBackoff"),
            ("deadline", "operationTimeout"),
        ],
    ),
    ("services.sts", &[("budget", "operationTimeout"), ("backoff", "initialBackoff")]),
    ("services.imds", &[("timeout", "operationTimeout"), ("attempts", "maxAttempts")]),
    ("services.podIdentityAgent", &[("patience", "operationTimeout"), ("attempts", "maxAttempts")]),
];

/// The former names of a source's keys, by its type.
const FORMER_OF_SOURCES: &[(&str, &[(&str, &str)])] = &[
    (source_names::IRSA, &[("poll", "pollInterval")]),
    (source_names::POD_IDENTITY, &[("poll", "pollInterval")]),
    (source_names::SECRET_DIRECTORY, &[("poll", "pollInterval")]),
    (source_names::POD_TOKEN, &[("apiTimeout", "operationTimeout")]),
    (
        source_names::SECRET_WATCH,
        &[
            ("apiTimeout", "operationTimeout"),
            ("firstRetry", "initialBackoff"),
            ("lastRetry", "maxBackoff"),
        ],
    ),
];

/// Renames the keys of a file that have former names, with a warning for each.
pub(crate) fn rename(tree: &mut Node) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    for (path, names) in FORMER {
        let mut keys = path.split('.').filter(|key| !key.is_empty());
        let mapping = keys.try_fold(&mut *tree, |node, key| node.get_mut(key));
        if let Some(mapping) = mapping {
            rename_in(mapping, path, names, &mut warnings);
        }
    }
    for (key, source) in tree.get_mut("sources").map(Node::entries_mut).into_iter().flatten() {
        let of_type = source.get(TYPE).and_then(Node::as_text).unwrap_or(&key.name);
        let names = FORMER_OF_SOURCES.iter().find(|(name, _)| *name == of_type);
        if let Some((_, names)) = names {
            rename_in(source, &key_path("sources", &key.name), names, &mut warnings);
        }
    }
    warnings
}

/// A mapping that has the new name as well keeps both: the old one is then unknown.
fn rename_in(
    mapping: &mut Node,
    path: &str,
    names: &[(&str, &str)],
    warnings: &mut Vec<Diagnostic>,
) {
    for (former, name) in names {
        if mapping.get(name).is_some() {
            continue;
        }
        let mut entries = mapping.entries_mut().iter_mut();
        if let Some((key, _)) = entries.find(|(key, _)| key.name == *former) {
            (*name).clone_into(&mut key.name);
            let message = format!("`{former}` is the former name of `{name}`");
            let warning = Diagnostic::warning_at(key.span, message).of(key_path(path, name));
            warnings.push(warning.suggesting(format!("write `{name}`")));
        }
    }
}
