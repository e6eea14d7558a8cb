//! Cargo's view of the workspace.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::layout;
use crate::run::{Outcome, cargo, output};

#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) members: Vec<Member>,
    /// By the subject of a weight: every crate that a build of it needs, itself included, tests
    /// apart.
    pub(crate) closures: BTreeMap<String, BTreeSet<String>>,
}

/// A package of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `dev`, `build`, or none for an ordinary one.
    pub(crate) kind: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Member>,
}

impl Graph {
    pub(crate) fn read() -> Outcome<Self> {
        let metadata =
            output(&mut cargo(["metadata", "--no-deps", "--format-version", "1", "--locked"]))?;
        let metadata: Metadata =
            serde_json::from_str(&metadata).map_err(|error| format!("cargo metadata: {error}"))?;
        let mut closures = BTreeMap::new();
        for weight in layout::WEIGHTS {
            let mut tree = cargo(["tree", "--locked", "--edges", "normal", "--prefix", "none"]);
            let subject = weight.subject();
            tree.args(["--format", "{p}", "--package"]).args(subject.split(' '));
            closures.insert(subject, output(&mut tree)?.lines().map(name_and_version).collect());
        }
        Ok(Self { members: metadata.packages, closures })
    }

    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }
}

impl Member {
    /// Returns the direct dependencies of a build, without those of tests.
    pub(crate) fn uses(&self) -> impl Iterator<Item = &str> {
        self.dependencies
            .iter()
            .filter(|dependency| dependency.kind.as_deref() != Some("dev"))
            .map(|dependency| dependency.name.as_str())
    }
}

/// `syn v2.0.119 (proc-macro) (*)` is `syn v2.0.119`.
fn name_and_version(line: &str) -> String {
    line.split(' ').take(2).collect::<Vec<_>>().join(" ")
}
