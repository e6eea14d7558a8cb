//! The outer shape of a source.

use crate::tidy::finding::Finding;
use crate::tidy::lexer::Kind;
use crate::tidy::tree::Tree;

pub(crate) fn no_unsafe(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources.iter().filter(|source| !source.path.starts_with("fuzz/")) {
        for token in
            source.tokens.iter().filter(|token| token.kind == Kind::Word && token.is("unsafe"))
        {
            findings.push(Finding::at(
                &source.path,
                token.line,
                "unsafe code; find a safe way, or a library that has one",
            ));
        }
    }
    findings
}

pub(crate) fn no_mod_rs(tree: &Tree) -> Vec<Finding> {
    // In an integration test, `tests/common/mod.rs` is cargo's own idiom for what is not a test.
    let found = tree
        .sources
        .iter()
        .filter(|source| source.path.ends_with("/mod.rs") && !source.path.contains("/tests/"));
    found
        .map(|source| {
            Finding::at(&source.path, 1, "a module's file carries its name: `foo.rs` beside `foo/`")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_code_is_found_and_the_word_in_prose_is_not() {
        assert!(
            no_unsafe(&Tree::sample(&[(
                "crates/a/src/lib.rs",
                "//! unsafe\n#![forbid(unsafe_code)] // unsafe\nconst A: &str = \"unsafe\";"
            )]))
            .is_empty()
        );
        assert_eq!(
            no_unsafe(&Tree::sample(&[("crates/a/src/lib.rs", "fn a() { unsafe { b() } }")])).len(),
            1
        );
        assert!(
            no_unsafe(&Tree::sample(&[("fuzz/fuzz_targets/a.rs", "unsafe fn a() {}")])).is_empty()
        );
    }

    #[test]
    fn a_module_file_carries_its_name() {
        assert!(
            no_mod_rs(&Tree::sample(&[("crates/a/src/b.rs", ""), ("crates/a/src/b/c.rs", "")]))
                .is_empty()
        );
        assert_eq!(no_mod_rs(&Tree::sample(&[("crates/a/src/b/mod.rs", "")])).len(), 1);
    }
}
