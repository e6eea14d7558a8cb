//! The workspaces with crates to publish, as `cargo metadata` reports them.

use std::collections::HashSet;

use serde::Deserialize;

use crate::run::{Outcome, cargo, output};

/// The manifests of the workspaces, in the order in which their crates depend on each other.
const MANIFESTS: [&str; 2] = ["Cargo.toml", "adapters/Cargo.toml"];

#[derive(Debug)]
pub(crate) struct Workspace {
    /// Its manifest, relative to the root.
    pub(crate) manifest: &'static str,
    metadata: Metadata,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: HashSet<String>,
}

/// A package, of the workspace or of a registry.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) description: Option<String>,
    pub(crate) license: Option<String>,
    pub(crate) readme: Option<String>,
    pub(crate) repository: Option<String>,
    pub(crate) rust_version: Option<String>,
    #[serde(default)]
    pub(crate) keywords: Vec<String>,
    #[serde(default)]
    pub(crate) categories: Vec<String>,
    pub(crate) manifest_path: String,
    pub(crate) dependencies: Vec<Dependency>,
    publish: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) req: String,
    pub(crate) kind: Option<String>,
    /// Where it is in this checkout.
    pub(crate) path: Option<String>,
}

pub(crate) fn read() -> Outcome<Vec<Workspace>> {
    MANIFESTS
        .into_iter()
        .map(|manifest| {
            let mut command = cargo(["metadata", "--format-version", "1", "--locked"]);
            command.args(["--all-features", "--manifest-path", manifest]);
            let metadata = serde_json::from_str(&output(&mut command)?)
                .map_err(|error| format!("cargo metadata: {error}"))?;
            Ok(Workspace { manifest, metadata })
        })
        .collect()
}

impl Workspace {
    /// Returns every package that a build needs, its own included.
    pub(crate) fn packages(&self) -> &[Package] {
        &self.metadata.packages
    }

    /// Returns its members that are to be published.
    pub(crate) fn published(&self) -> impl Iterator<Item = &Package> {
        self.members().filter(|package| package.publish.as_ref().is_none_or(|to| !to.is_empty()))
    }

    /// Returns its members that stay here.
    pub(crate) fn private(&self) -> impl Iterator<Item = &Package> {
        self.members().filter(|package| package.publish.as_ref().is_some_and(Vec::is_empty))
    }

    fn members(&self) -> impl Iterator<Item = &Package> {
        let members = &self.metadata.workspace_members;
        self.metadata.packages.iter().filter(|package| members.contains(&package.id))
    }
}
