//! Versions, package fields and lints are said once, in the root manifest.

use std::collections::HashSet;

use crate::tidy::finding::Finding;
use crate::tidy::rules::text::has_word;
use crate::tidy::tree::{File, Tree};

pub(crate) fn a_version_is_said_once(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in members(tree) {
        for entry in entries(manifest).filter(|entry| !entry.is_inherited && !entry.is_a_cycle) {
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
    let mut findings = Vec::new();
    for shared in tree.files.iter().filter(|file| SHARED.contains(&file.path.as_str())) {
        let used: HashSet<&str> = members(tree)
            .filter(|member| shared_of(member) == shared.path)
            .flat_map(entries)
            .map(|entry| entry.name)
            .collect();
        let unused = entries(shared).filter(|entry| !used.contains(entry.name));
        findings.extend(unused.map(|entry| {
            let message = format!("no member uses `{}`; remove it", entry.name);
            Finding::at(&shared.path, entry.line, message)
        }));
    }
    findings
}

pub(crate) fn a_member_inherits(tree: &Tree) -> Vec<Finding> {
    const LINES: &[&str] = &[
        "version.workspace = true",
        "edition.workspace = true",
        "rust-version.workspace = true",
        "license.workspace = true",
        "[lints]\nworkspace = true",
    ];
    const PUBLISHED: &[&str] = &[
        "description = \"",
        "categories = [",
        "readme = \"README.md\"",
        "publish.workspace = true",
    ];
    let mut findings = Vec::new();
    for manifest in members(tree) {
        let is_private = manifest.text.contains("\npublish = false");
        let more = if is_private { &[][..] } else { PUBLISHED };
        for line in LINES.iter().chain(more).filter(|line| !manifest.text.contains(**line)) {
            findings.push(Finding::at(
                &manifest.path,
                1,
                format!("`{}` is missing; add it", line.replace('\n', " ")),
            ));
        }
    }
    findings
}

/// The manifests that declare versions, each for the members of its workspace.
const SHARED: &[&str] = &["Cargo.toml", "adapters/Cargo.toml"];

/// The one that this member inherits from.
fn shared_of(member: &File) -> &'static str {
    if member.path.starts_with("adapters/") { "adapters/Cargo.toml" } else { "Cargo.toml" }
}

/// An example that can be copied out of the workspace inherits no setting from it.
const STANDALONE: &[&str] = &["examples/csi-driver"];

/// The manifests of the members of the workspace and of that of the adapters; a fuzz crate or a
/// peer benchmark is a workspace of its own.
fn members(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.files.iter().filter(|file| {
        let folder = file.path.strip_suffix("/Cargo.toml");
        folder.filter(|folder| !STANDALONE.contains(folder)).is_some_and(|folder| {
            ["tests", "xtask"].contains(&folder)
                || ["crates/", "examples/", "adapters/"].iter().any(|parent| {
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
    /// A dependency of tests that depends on this crate. It has a path and no version, so that a
    /// package has no cycle.
    is_a_cycle: bool,
}

/// In all dependency sections. Cargo's own view (`cargo metadata`) knows neither lines nor what was
/// inherited.
fn entries(manifest: &File) -> impl Iterator<Item = Entry<'_>> {
    let mut section = "";
    (1..).zip(manifest.text.lines()).filter_map(move |(line, text)| {
        if let Some(header) = text.strip_prefix('[') {
            section = header.trim_end_matches(']');
            let name = section.rsplit_once("dependencies.")?.1;
            return Some(Entry { name, line, is_inherited: false, is_a_cycle: false });
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
            is_a_cycle: section == "dev-dependencies"
                && value.starts_with("s3-credential-")
                && value.contains("={path=")
                && !value.contains("version="),
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
    fn a_dependency_of_tests_that_depends_on_the_crate_has_a_path_only() {
        let cycle = "s3-credential-testkit = { path = \"../testkit\", features = [\"mocks\"] }\n";
        assert_eq!(versions(&format!("[dev-dependencies]\n{cycle}")), 0);
        assert_eq!(versions(&format!("[dependencies]\n{cycle}")), 1);
        assert_eq!(versions("[dev-dependencies]\na = { path = \"../a\" }\n"), 1);
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
        let good = "version.workspace = true\nedition.workspace = true\nrust-version.workspace = true\nlicense.workspace = true\npublish = false\n[lints]\nworkspace = true\n";
        let good = &format!("[package]\n{good}");
        assert!(a_member_inherits(&Tree::sample(&[("crates/core/Cargo.toml", good)])).is_empty());
        let bad = good.replace("[lints]", "[other]");
        assert_eq!(a_member_inherits(&Tree::sample(&[("crates/core/Cargo.toml", &bad)])).len(), 1);
    }

    #[test]
    fn a_published_crate_without_a_readme_is_found() {
        let good = "[package]\ndescription = \"d\"\ncategories = []\nreadme = \"README.md\"\nversion.workspace = true\nedition.workspace = true\nrust-version.workspace = true\nlicense.workspace = true\npublish.workspace = true\n[lints]\nworkspace = true\n";
        let found = |text: &str| {
            a_member_inherits(&Tree::sample(&[("adapters/reqsign/Cargo.toml", text)])).len()
        };
        assert_eq!(found(good), 0);
        assert_eq!(found(&good.replace("readme", "other")), 1);
    }
}
