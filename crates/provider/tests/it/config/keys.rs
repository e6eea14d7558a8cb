//! Each key changes something that is seen from outside, and no key of the schema is forgotten.

mod scene;

mod cluster;
mod decisions;
mod node;
mod services;
mod time;

use std::collections::BTreeSet;

use s3_credential_provider::{Config, Registry};

use crate::config::schema::{Key, keys, keys_of_path};

/// One key: two files that differ by it, and what is seen with each of them and not with the other.
pub(crate) struct Case<S> {
    pub(crate) path: &'static str,
    pub(crate) scene: S,
    pub(crate) before: File,
    pub(crate) after: File,
}

/// A configuration, and a part of what is seen with it; empty where only the difference matters.
pub(crate) struct File {
    pub(crate) yaml: &'static str,
    pub(crate) seen: &'static str,
}

pub(crate) const fn case<S>(
    path: &'static str,
    scene: S,
    before: [&'static str; 2],
    after: [&'static str; 2],
) -> Case<S> {
    let [before_yaml, before_seen] = before;
    let [after_yaml, after_seen] = after;
    Case {
        path,
        scene,
        before: File { yaml: before_yaml, seen: before_seen },
        after: File { yaml: after_yaml, seen: after_seen },
    }
}

impl<S: Copy> Case<S> {
    /// Sees with both files.
    async fn check(&self, see: &impl AsyncFn(S, &str) -> String) -> Result<(), String> {
        let before = see(self.scene, self.before.yaml).await;
        let after = see(self.scene, self.after.yaml).await;
        let is_gone = self.before.seen.is_empty() || !after.contains(self.before.seen);
        let is_as_told = before.contains(self.before.seen)
            && is_gone
            && after.contains(self.after.seen)
            && !before.contains(self.after.seen);
        if is_as_told {
            return Ok(());
        }
        Err(format!(
            "{}: not {:?} at first, and then {:?}\n--- before\n{before}\n--- after\n{after}",
            self.path, self.before.seen, self.after.seen
        ))
    }
}

/// Checks a table, and reports every case of it that differs.
async fn check<S: Copy>(cases: &[Case<S>], see: impl AsyncFn(S, &str) -> String) {
    let mut problems = Vec::new();
    for case in cases {
        problems.extend(case.check(&see).await.err());
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

fn paths<S>(cases: &[Case<S>]) -> impl Iterator<Item = &'static str> {
    cases.iter().map(|case| case.path)
}

#[test]
fn no_key_of_the_schema_is_without_a_case() {
    let schema = Config::schema(&Registry::default());
    let cases = paths(decisions::CASES)
        .chain(decisions::OWNER.iter().copied())
        .chain(node::PATHS.iter().copied())
        .chain(paths(time::CASES))
        .chain(paths(services::CASES))
        .chain(paths(cluster::CASES));
    let mut tested: BTreeSet<Key> = BTreeSet::new();
    for path in cases {
        let names: Vec<&str> = path.split('.').collect();
        let of_path = keys_of_path(&schema, &names);
        assert_eq!(of_path.len(), names.len(), "`{path}` is no key");
        tested.extend(of_path);
    }
    let forgotten: Vec<_> = keys(&schema).difference(&tested).cloned().collect();
    assert!(forgotten.is_empty(), "without a case: {forgotten:#?}");
}
