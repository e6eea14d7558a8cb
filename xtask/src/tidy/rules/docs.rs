//! A crate introduces itself.

use crate::tidy::finding::Finding;
use crate::tidy::tree::Tree;

/// The parts of a crate's first lines, in this order, as a sentence or as a label.
const QUESTIONS: &[[&str; 2]] =
    &[["what goes in", "**in"], ["what comes out", "**out"], ["how it fails", "**fail"]];

pub(crate) fn a_crate_says_what_it_is_for(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| is_root(&file.path)) {
        let doc = crate_doc(&file.text);
        let prose = doc.join(" ").to_lowercase();
        let positions: Vec<_> = QUESTIONS
            .iter()
            .map(|spellings| spellings.iter().find_map(|spelling| prose.find(spelling)))
            .collect();
        if positions.contains(&None) || !positions.is_sorted() {
            findings.push(Finding::at(
                &file.path,
                1,
                "the crate's documentation must say, in this order: what goes in, what comes out, how it fails",
            ));
        }
        if file.path.ends_with("/lib.rs") && !has_example(&doc) {
            findings.push(Finding::at(
                &file.path,
                1,
                "the crate's documentation needs an example that compiles",
            ));
        }
    }
    findings
}

/// Returns whether this is a crate's root: `lib.rs`, or `main.rs`.
fn is_root(path: &str) -> bool {
    let folder = path.strip_prefix("crates/").or_else(|| path.strip_prefix("adapters/"));
    folder
        .and_then(|path| path.split_once('/'))
        .is_some_and(|(_, path)| path == "src/lib.rs" || path == "src/main.rs")
}

fn crate_doc(text: &str) -> Vec<&str> {
    text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect()
}

/// A block of code that rustdoc compiles.
fn has_example(doc: &[&str]) -> bool {
    let opening_fences = doc.iter().filter(|line| line.starts_with("```")).step_by(2);
    opening_fences.map(|fence| &fence[3..]).any(|kind| ["", "rust", "no_run"].contains(&kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROSE: &str = "//! Secrets.\n//!\n//! What goes in: a request. What\n//! comes out: keys. How it fails: loudly.\n";

    fn findings(path: &str, text: &str) -> usize {
        a_crate_says_what_it_is_for(&Tree::sample(&[(path, text)])).len()
    }

    #[test]
    fn a_crate_that_answers_and_shows_is_fine() {
        assert_eq!(
            findings("crates/a/src/lib.rs", &format!("{PROSE}//! ```\n//! let a = 1;\n//! ```\n")),
            0
        );
        assert_eq!(findings("crates/a/src/main.rs", PROSE), 0);
        assert_eq!(
            findings(
                "crates/a/src/main.rs",
                "//! **In:** a request. **Out:** keys. **Fails:** loudly."
            ),
            0
        );
        assert_eq!(
            findings(
                "crates/a/src/main.rs",
                "//! **Out:** keys. **In:** a request. **Fails:** loudly."
            ),
            1
        );
        assert_eq!(findings("crates/a/src/other.rs", ""), 0);
    }

    #[test]
    fn a_crate_without_answers_or_an_example_is_found() {
        assert_eq!(findings("crates/a/src/lib.rs", PROSE), 1);
        assert_eq!(
            findings("crates/a/src/lib.rs", &format!("{PROSE}//! ```ignore\n//! a\n//! ```")),
            1
        );
        assert_eq!(findings("crates/a/src/lib.rs", "//! Secrets.\n//! ```\n//! ```"), 1);
        assert_eq!(findings("crates/a/src/lib.rs", "fn a() {}"), 2);
    }
}
