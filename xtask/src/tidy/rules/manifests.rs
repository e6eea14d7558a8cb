//! Versions, package fields and lints are said once, in the root manifest.

use crate::tidy::finding::Finding;
use crate::tidy::tree::{File, Tree};

pub(crate) fn a_version_is_said_once(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in members(tree) {
        let mut section = "";
        for (number, line) in (1..).zip(manifest.text.lines()) {
            if let Some(header) = line.strip_prefix('[') {
                section = header.trim_end_matches(']');
            }
            let is_table = section.rsplit_once("dependencies.").is_some() && line.starts_with('[');
            let is_entry = section.ends_with("dependencies")
                && line.starts_with(|first: char| first.is_alphanumeric() || first == '"');
            if is_table || is_entry && !is_inherited(line) {
                let message = "a dependency with a version of its own; put it into [workspace.dependencies] and write `name.workspace = true`";
                findings.push(Finding::at(&manifest.path, number, message));
            }
        }
    }
    findings
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

/// The manifests of the workspace's members; a fuzz crate or a peer benchmark is a workspace of its own.
fn members(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.files.iter().filter(|file| {
        let folder = file.path.strip_suffix("/Cargo.toml");
        folder.is_some_and(|folder| {
            ["tests", "xtask"].contains(&folder)
                || folder
                    .strip_prefix("crates/")
                    .is_some_and(|rest| !rest.contains('/'))
        })
    })
}

fn is_inherited(line: &str) -> bool {
    let line: String = line.split_whitespace().collect();
    line.contains(".workspace=true") || line.contains("={workspace=true")
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
        assert_eq!(
            versions("[target.'cfg(unix)'.dependencies]\na = { path = \"b\" }\n"),
            1
        );
        assert_eq!(versions("[dependencies.a]\nversion = \"1\"\n"), 1);
    }

    #[test]
    fn a_member_without_the_lint_table_is_found() {
        let good = "version.workspace = true\nedition.workspace = true\nrust-version.workspace = true\nlicense.workspace = true\npublish.workspace = true\n[lints]\nworkspace = true\n";
        assert!(a_member_inherits(&Tree::sample(&[("crates/core/Cargo.toml", good)])).is_empty());
        let bad = good.replace("[lints]", "[other]");
        assert_eq!(
            a_member_inherits(&Tree::sample(&[("crates/core/Cargo.toml", &bad)])).len(),
            1
        );
    }
}
