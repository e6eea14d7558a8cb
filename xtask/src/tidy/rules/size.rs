//! A long file has two jobs.

use crate::tidy::finding::Finding;
use crate::tidy::source::Source;
use crate::tidy::tree::Tree;

const AT_MOST: usize = 400;

pub(crate) fn no_file_has_two_jobs(tree: &Tree) -> Vec<Finding> {
    let long = tree
        .sources
        .iter()
        .map(|source| (source, source.code_lines()))
        .filter(|(_, lines)| *lines > AT_MOST);
    long.map(|(source, lines)| {
        Finding::at(
            &source.path,
            1,
            format!("{lines} lines of code, more than {AT_MOST}; split it by job"),
        )
    })
    .collect()
}

/// Returns the median lines of code of the files that have code outside tests.
pub(crate) fn median(tree: &Tree) -> usize {
    let mut lines: Vec<usize> =
        tree.sources.iter().map(Source::code_lines).filter(|lines| *lines > 0).collect();
    lines.sort_unstable();
    lines.get(lines.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(lines: usize, tests: usize) -> Tree {
        let text = format!(
            "//! Doc.\n\n// Why.\n{}\n#[cfg(test)] mod tests {{\n{} }}",
            "fn a() {}\n".repeat(lines),
            "fn b() {}\n".repeat(tests)
        );
        Tree::sample(&[("crates/a/src/lib.rs", &text)])
    }

    #[test]
    fn comments_blank_lines_and_tests_are_not_counted() {
        assert!(no_file_has_two_jobs(&tree(400, 900)).is_empty());
        assert_eq!(no_file_has_two_jobs(&tree(401, 0)).len(), 1);
    }

    #[test]
    fn the_median_leaves_out_what_is_only_tests() {
        let long = "fn a() {}\n".repeat(9);
        assert_eq!(
            median(&Tree::sample(&[
                ("crates/a/src/lib.rs", &long),
                ("crates/a/tests/b.rs", "fn a() {}"),
                ("crates/b/src/lib.rs", "fn a() {}\nfn b() {}")
            ])),
            9
        );
    }
}
