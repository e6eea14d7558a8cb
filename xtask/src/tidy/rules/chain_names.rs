//! One word everywhere: a source's name in a chain is a constant of core, its crate uses it, and it
//! is spelled only there.

use crate::tidy::finding::Finding;
use crate::tidy::layout::CHAIN_NAMES;
use crate::tidy::lexer::{Kind, Token};
use crate::tidy::source::Source;
use crate::tidy::tree::Tree;

pub(crate) fn a_chain_name_is_one_constant(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, folder) in CHAIN_NAMES {
        let constant = format!("source_names::{}", name.replace('-', "_").to_uppercase());
        let spelled: Vec<Spelling> =
            product(tree).flat_map(|source| spellings(source, name)).collect();
        let (constants, again): (Vec<_>, Vec<_>) =
            spelled.into_iter().partition(Spelling::is_constant_of_core);
        if constants.is_empty() {
            let message = format!("the chain name {name:?} is no constant here; add `{constant}`");
            findings.push(Finding::at("crates/core/src/lib.rs", 1, message));
        }
        for Spelling { source, line, .. } in again {
            let message =
                format!("the chain name {name:?} is spelled again; use `{constant}` of core");
            findings.push(Finding::at(&source.path, line, message));
        }
        let mut own = product(tree).filter(|source| source.krate() == Some(folder));
        if !own.any(|source| source.product_paths().any(|named| named.path.ends_with(&constant))) {
            let message =
                format!("the source {name:?} does not take its name from core; use `{constant}`");
            findings.push(Finding::at(&format!("crates/{folder}/src/lib.rs"), 1, message));
        }
    }
    findings
}

/// The testkit plays the outside, which does not know our constants.
fn product(tree: &Tree) -> impl Iterator<Item = &Source> {
    tree.sources.iter().filter(|source| source.krate().is_some_and(|krate| krate != "testkit"))
}

struct Spelling<'a> {
    source: &'a Source,
    line: usize,
    in_constant: bool,
}

impl Spelling<'_> {
    fn is_constant_of_core(&self) -> bool {
        self.in_constant && self.source.krate() == Some("core")
    }
}

fn spellings<'a>(source: &'a Source, name: &str) -> impl Iterator<Item = Spelling<'a>> {
    let literal = format!("{name:?}");
    let found = source.product_tokens().filter(move |(index, token)| {
        token.kind == Kind::Literal && token.text == literal && !is_feature(source, *index)
    });
    found.map(|(index, token)| Spelling {
        source,
        line: token.line,
        in_constant: is_value_of_constant(&source.tokens[..index]),
    })
}

/// Returns whether the tokens before a literal are `const NAME: &str =`.
fn is_value_of_constant(before: &[Token]) -> bool {
    let statement =
        before.iter().rev().take_while(|token| !token.is(";") && token.kind != Kind::Open);
    let words: Vec<&str> = statement.map(|token| token.text.as_str()).collect();
    words.first() == Some(&"=") && words.contains(&"const")
}

/// In `feature = "imds"`, where no constant can stand.
fn is_feature(source: &Source, index: usize) -> bool {
    index >= 2 && source.tokens[index - 1].is("=") && source.tokens[index - 2].is("feature")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORE: (&str, &str) =
        ("crates/core/src/source.rs", "pub mod source_names { pub const IRSA: &str = \"irsa\"; }");
    const IRSA: (&str, &str) = (
        "crates/irsa/src/lib.rs",
        "use s3_credential_core::source_names; fn name() { source_names::IRSA }",
    );

    fn about_irsa(files: &[(&str, &str)]) -> Vec<String> {
        let findings = a_chain_name_is_one_constant(&Tree::sample(files));
        findings
            .iter()
            .map(Finding::to_string)
            .filter(|finding| finding.contains("\"irsa\""))
            .collect()
    }

    #[test]
    fn one_constant_and_its_uses_are_fine() {
        assert!(about_irsa(&[CORE, IRSA]).is_empty());
        assert!(
            about_irsa(&[
                CORE,
                IRSA,
                ("crates/provider/tests/a.rs", "fn a() { assert_eq!(b, \"irsa\") }")
            ])
            .is_empty()
        );
    }

    #[test]
    fn a_feature_of_the_same_name_is_no_second_spelling() {
        let feature = ("crates/provider/src/a.rs", "#[cfg(not(feature = \"irsa\"))] fn a() {}");
        assert!(about_irsa(&[CORE, IRSA, feature]).is_empty());
    }

    #[test]
    fn a_missing_constant_is_found() {
        assert_eq!(about_irsa(&[("crates/core/src/source.rs", ""), IRSA]).len(), 1);
    }

    #[test]
    fn a_second_spelling_is_found() {
        let found =
            about_irsa(&[CORE, IRSA, ("crates/cli/src/demo.rs", "\nconst A: &str = \"irsa\";")]);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("crates/cli/src/demo.rs:2: "));
    }

    #[test]
    fn a_source_with_a_name_of_its_own_is_found() {
        assert_eq!(
            about_irsa(&[CORE, ("crates/irsa/src/lib.rs", "fn name() -> &'static str { NAME }")])
                .len(),
            1
        );
    }
}
