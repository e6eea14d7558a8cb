//! Versions, package fields and lints are said once, in the root manifest.

use std::collections::HashSet;

use crate::tidy::finding::Finding;
use crate::tidy::rules::text::has_word;
use crate::tidy::tree::{File, Tree};

pub(crate) fn a_version_is_said_once(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in members(tree) {
        for entry in entries(manifest).filter(|entry| !entry.is_inherited) {
            let message = "a dependency with a version of its own; put it into [workspace.dependencies] and write `name.workspace = true`";
            findings.push(Finding::at(&manifest.path, entry.line, message));
        }
    }
    findings
}

pub(crate) fn a_dependency_is_used(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in members(tree) {
        let folder = manifest.path.trim_end_matches("Cargo.toml");
        let sources: Vec<&File> = tree
            .files
            .iter()
            .filter(|file| file.is_rust() && file.path.starts_with(folder))
            .collect();
        for entry in entries(manifest) {
            let name = entry.name.replace('-', "_");
            // In examples of the documentation too, so in the text and not in the tokens.
            if !sources.iter().any(|source| has_word(&source.text, &name)) {
                let message = format!("`{}` is named nowhere in this crate; remove it", entry.name);
                findings.push(Finding::at(&manifest.path, entry.line, message));
            }
        }
    }
    findings
}

pub(crate) fn a_shared_version_is_used(tree: &Tree) -> Vec<Finding> {
    let used: HashSet<&str> = members(tree).flat_map(entries).map(|entry| entry.name).collect();
    let root = tree.files.iter().filter(|file| file.path == "Cargo.toml");
    let unused = root.flat_map(entries).filter(|entry| !used.contains(entry.name));
    unused
        .map(|entry| {
            Finding::at(
                "Cargo.toml",
                entry.line,
                format!("no member uses `{}`; remove it", entry.name),
            )
        })
        .collect()
}

pub(crate) fn a_member_inherits(tree: &Tree) -> Vec<Finding> {
    const LINES: &[&str] = &[
        "version.workspace = true",
        "edition.workspace = true",
        "rust-version.workspace = true",
        "license.workspace = true",
        "publish.workspace = true",
        "[lints]\nworkspace = true",
    ];
    let mut findings = Vec::new();
    for manifest in members(tree) {
        for line in LINES.iter().filter(|line| !manifest.text.contains(**line)) {
            findings.push(Finding::at(
                &manifest.path,
                1,
                format!("`{}` is missing; add it", line.replace('\n', " ")),
            ));
        }
    }
    findings
}

/// An example that can be copied out of the workspace inherits no setting from it.
const STANDALONE: &[&str] = &["examples/csi-driver"];

/// The manifests of the workspace's members; a fuzz crate or a peer benchmark is a workspace of its
/// own.
fn members(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.files.iter().filter(|file| {
        let folder = file.path.strip_suffix("/Cargo.toml");
        folder.filter(|folder| !STANDALONE.contains(folder)).is_some_and(|folder| {
            ["tests", "xtask"].contains(&folder)
                || ["crates/", "examples/"].iter().any(|parent| {
                    folder.strip_prefix(parent).is_some_and(|rest| !rest.contains('/'))
                })
        })
    })
}

/// A dependency as a manifest declares it.
struct Entry<'a> {
    name: &'a str,
    line: usize,
    /// From the root manifest.
    is_inherited: bool,
}

/// In all dependency sections. Cargo's own view (`cargo metadata`) knows neither lines nor what was
/// inherited.
fn entries(manifest: &File) -> impl Iterator<Item = Entry<'_>> {
    let mut section = "";
    (1..).zip(manifest.text.lines()).filter_map(move |(line, text)| {
        if let Some(header) = text.strip_prefix('[') {
            section = header.trim_end_matches(']');
            let name = section.rsplit_once("dependencies.")?.1;
            return Some(Entry { name, line, is_inherited: false });
        }
        let starts_entry = text.starts_with(|first: char| first.is_alphanumeric());
        if !section.ends_with("dependencies") || !starts_entry {
            return None;
        }
        let name = text.split(['.', '=', ' ']).next()?;
        let value: String = text.split_whitespace().collect();
        Some(Entry {
            name,
            line,
            is_inherited: value.contains(".workspace=true") || value.contains("={workspace=true"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(dependencies: &str) -> usize {
        a_version_is_said_once(&Tree::sample(&[("crates/core/Cargo.toml", dependencies)])).len()
    }

    #[test]
    fn an_inherited_dependency_is_fine_in_every_spelling() {
        assert_eq!(
            versions(
                "[dependencies]\na.workspace = true\nb = { workspace = true, features = [\n    \"c\",\n] }\n"
            ),
            0
        );
        assert_eq!(versions("[package]\nname = \"a\"\n[features]\nb = []\n"), 0);
    }

    #[test]
    fn a_version_in_a_member_is_found_in_every_section_and_spelling() {
        assert_eq!(versions("[dependencies]\na = \"1\"\n"), 1);
        assert_eq!(versions("[dev-dependencies]\na = { version = \"1\" }\n"), 1);
        assert_eq!(versions("[target.'cfg(unix)'.dependencies]\na = { path = \"b\" }\n"), 1);
        assert_eq!(versions("[dependencies.a]\nversion = \"1\"\n"), 1);
    }

    #[test]
    fn a_dependency_that_the_sources_name_is_used() {
        let manifest = (
            "crates/core/Cargo.toml",
            "[dependencies]\nserde-json.workspace = true\n[dev-dependencies]\nb.workspace = true\n",
        );
        let count = |source| {
            a_dependency_is_used(&Tree::sample(&[manifest, ("crates/core/src/lib.rs", source)]))
                .len()
        };
        assert_eq!(count("//! use b::c;\nuse serde_json::Value;"), 0);
        assert_eq!(count("//! use b::c;\nuse serde_json_like::Value;"), 1);
        assert_eq!(
            a_dependency_is_used(&Tree::sample(&[
                manifest,
                ("crates/cli/src/main.rs", "use serde_json::b;")
            ]))
            .len(),
            2
        );
    }

    #[test]
    fn an_unused_version_is_found() {
        let root = ("Cargo.toml", "[workspace.dependencies]\na = \"1\"\nb = { version = \"1\" }\n");
        let member = |text| {
            a_shared_version_is_used(&Tree::sample(&[root, ("crates/core/Cargo.toml", text)])).len()
        };
        assert_eq!(member("[dependencies]\na.workspace = true\nb = { workspace = true }\n"), 0);
        assert_eq!(member("[dependencies]\na.workspace = true\n"), 1);
    }

    #[test]
    fn a_member_without_the_lint_table_is_found() {
        let good = "version.workspace = true\nedition.workspace = true\nrust-version.workspace = true\nlicense.workspace = true\npublish.workspace = true\n[lints]\nworkspace = true\n";
        assert!(a_member_inherits(&Tree::sample(&[("crates/core/Cargo.toml", good)])).is_empty());
        let bad = good.replace("[lints]", "[other]");
        assert_eq!(a_member_inherits(&Tree::sample(&[("crates/core/Cargo.toml", &bad)])).len(), 1);
    }
}
