//! Each claim of SECURITY.md names a test that proves it, and docs/dependencies.md lists each
//! dependency.

use std::collections::HashSet;

use crate::tidy::finding::Finding;
use crate::tidy::source::Source;
use crate::tidy::tree::{File, Tree};

const SECURITY: &str = "SECURITY.md";
const DEPENDENCIES: &str = "docs/dependencies.md";

/// In the tables whose second column is headed so, each row is a claim with the tests that prove
/// it.
const TESTS: &str = "tests";

pub(crate) fn a_claim_has_a_test_that_exists(tree: &Tree) -> Vec<Finding> {
    let functions = tree.sources.iter().flat_map(Source::test_functions);
    let known: HashSet<&str> = functions.map(|function| function.name.as_str()).collect();
    let mut findings = Vec::new();
    for file in files(tree, SECURITY) {
        let mut find = |line: usize, message: String| {
            findings.push(Finding::at(&file.path, line, message));
        };
        for (line, tests) in
            rows(file).filter(|row| row.header == TESTS).map(|row| (row.line, row.second))
        {
            let named: Vec<_> = quoted(tests).collect();
            if named.is_empty() {
                find(line, "a claim without a test; name the test that proves it".to_owned());
            }
            for name in named.into_iter().filter(|name| is_test_name(name) && !known.contains(name))
            {
                find(line, format!("there is no test `{name}`"));
            }
        }
    }
    findings
}

pub(crate) fn a_dependency_is_accounted_for(tree: &Tree) -> Vec<Finding> {
    let Some(page) = files(tree, DEPENDENCIES).next() else {
        return Vec::new();
    };
    let listed: Vec<(usize, &str)> =
        rows(page).filter_map(|row| Some((row.line, quoted(row.first).next()?))).collect();
    let used: Vec<(usize, &str)> = files(tree, "Cargo.toml").flat_map(shared).collect();
    let has = |list: &[(usize, &str)], name: &str| list.iter().any(|(_, known)| *known == name);
    let mut findings = Vec::new();
    for (line, name) in used.iter().filter(|(_, name)| !has(&listed, name)) {
        let message = format!(
            "`{name}` is not in {DEPENDENCIES}; say why it is there, who keeps it and what it sees"
        );
        findings.push(Finding::at("Cargo.toml", *line, message));
    }
    for (line, name) in listed.iter().filter(|(_, name)| !has(&used, name)) {
        let message = format!("`{name}` is no dependency any more; remove it");
        findings.push(Finding::at(DEPENDENCIES, *line, message));
    }
    findings
}

fn files<'a>(tree: &'a Tree, path: &'a str) -> impl Iterator<Item = &'a File> {
    tree.files.iter().filter(move |file| file.path == path)
}

/// A row of a table.
struct Row<'a> {
    line: usize,
    /// The heading of its second column.
    header: &'a str,
    first: &'a str,
    second: &'a str,
}

fn rows(file: &File) -> impl Iterator<Item = Row<'_>> {
    let mut header = None;
    (1..).zip(file.text.lines()).filter_map(move |(line, text)| {
        let Some(cells) = text.strip_prefix('|') else {
            header = None;
            return None;
        };
        let mut cells = cells.split('|').map(str::trim);
        let (first, second) = (cells.next()?, cells.next()?);
        match header {
            None => {
                header = Some(second);
                None
            }
            Some(_) if first.starts_with("---") => None,
            Some(header) => Some(Row { line, header, first, second }),
        }
    })
}

/// Returns the texts between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn is_test_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The crates of `[workspace.dependencies]` that are not ours.
fn shared(manifest: &File) -> Vec<(usize, &str)> {
    let mut is_inside = false;
    let mut names = Vec::new();
    for (line, text) in (1..).zip(manifest.text.lines()) {
        if text.starts_with('[') {
            is_inside = text == "[workspace.dependencies]";
        } else if is_inside
            && let Some((name, value)) = text.split_once('=')
            && !name.starts_with('#')
            && !value.contains("path =")
        {
            names.push((line, name.trim()));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(rows: &str) -> usize {
        let page = format!(
            "| claim | tests |\n|---|---|\n{rows}\n\n| a | b |\n|---|---|\n| c | `not_a_claim` |\n"
        );
        let source =
            ("crates/core/tests/a.rs", "#[test]\nfn a_thing_is_so() {}\nfn no_test_at_all() {}");
        a_claim_has_a_test_that_exists(&Tree::sample(&[(SECURITY, &page), source])).len()
    }

    #[test]
    fn a_claim_with_a_test_is_fine() {
        assert_eq!(claims("| a | `a_thing_is_so` |"), 0);
        assert_eq!(claims("| a | `cargo xtask fuzz` |"), 0);
    }

    #[test]
    fn a_claim_without_a_test_or_with_one_that_is_gone_is_found() {
        assert_eq!(claims("| a | |"), 1);
        assert_eq!(claims("| a | `a_thing_is_so`, `a_thing_was_so` |"), 1);
        assert_eq!(claims("| a | `no_test_at_all` |"), 1);
    }

    #[test]
    fn a_dependency_and_its_line_go_together() {
        let manifest = "[workspace.dependencies]\nours = { path = \"a\" }\n# Theirs.\nserde = \"1\"\n[workspace.lints]\na = 1\n";
        let count = |page: &str| {
            let files = [("Cargo.toml", manifest), (DEPENDENCIES, page)];
            a_dependency_is_accounted_for(&Tree::sample(&files)).len()
        };
        assert_eq!(count("| crate | why |\n|---|---|\n| `serde` | reads `a` |\n"), 0);
        assert_eq!(count("| crate | why |\n|---|---|\n"), 1);
        assert_eq!(count("| crate | why |\n|---|---|\n| `serde` | a |\n| `gone` | b |\n"), 1);
    }
}
