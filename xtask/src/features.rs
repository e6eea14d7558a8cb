//! `cargo xtask features`: each crate builds cleanly with each of its features alone, and a lean
//! facade says what it lacks.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::run::{self, Outcome, cargo};

/// What the tests of a lean facade are built with.
const LEAN: &str = "secret,yaml";

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    features: BTreeMap<String, Vec<String>>,
}

pub(crate) fn run() -> Outcome {
    let metadata =
        run::output(&mut cargo(["metadata", "--no-deps", "--format-version", "1", "--locked"]))?;
    let metadata: Metadata =
        serde_json::from_str(&metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    for package in &metadata.packages {
        for features in sets(package) {
            let mut clippy = cargo(["clippy", "--locked", "--package", &package.name]);
            clippy.args(["--no-default-features", "--features", features, "--", "-D", "warnings"]);
            run::run(&mut clippy)?;
        }
    }
    let mut test =
        cargo(["test", "--locked", "--package", "s3-credential-provider", "--test", "lean"]);
    run::run(test.args(["--no-default-features", "--features", LEAN]))
}

/// None of its features, and each alone: one that needs another says so in the manifest. Clippy
/// with all is a check of its own.
fn sets(package: &Package) -> Vec<&str> {
    let named = package.features.keys().filter(|name| *name != "default").map(String::as_str);
    let mut sets: Vec<&str> = named.collect();
    // A crate without features is in the check of all.
    if !sets.is_empty() {
        sets.insert(0, "");
    }
    sets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_feature_is_checked_alone_and_so_are_none() {
        let features = |names: &[&str]| Package {
            name: "a".to_owned(),
            features: names.iter().map(|name| ((*name).to_owned(), Vec::new())).collect(),
        };
        assert_eq!(sets(&features(&["default", "yaml", "kube"])), ["", "kube", "yaml"]);
        assert!(sets(&features(&[])).is_empty());
    }
}
