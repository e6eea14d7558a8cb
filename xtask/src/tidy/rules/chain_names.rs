//! One word everywhere: a source's name in a chain is a constant of its crate, and nobody spells it a second time.

use crate::tidy::finding::Finding;
use crate::tidy::layout::LAYERS;
use crate::tidy::lexer::{Kind, Token};
use crate::tidy::source::Source;
use crate::tidy::tree::Tree;

pub(crate) fn a_chain_name_is_one_constant(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for layer in LAYERS {
        for name in layer.chain_names {
            let spelled: Vec<Spelling> = tree
                .sources
                .iter()
                .flat_map(|source| spellings(source, name))
                .collect();
            let is_constant = |spelling: &Spelling| {
                spelling.in_constant && spelling.source.krate() == Some(layer.folder)
            };
            let constants = spelled
                .iter()
                .filter(|spelling| is_constant(spelling))
                .count();
            if constants != 1 {
                let message = format!(
                    "the chain name {name:?} is {constants} constants of this crate; make it one: `pub const NAME: &str = {name:?};`"
                );
                findings.push(Finding::at(
                    &format!("crates/{}/src/lib.rs", layer.folder),
                    1,
                    message,
                ));
            }
            for Spelling { source, line, .. } in
                spelled.iter().filter(|spelling| !is_constant(spelling))
            {
                findings.push(Finding::at(
                    &source.path,
                    *line,
                    format!(
                        "the chain name {name:?} is spelled again; use the constant of `{}`",
                        layer.folder
                    ),
                ));
            }
        }
    }
    findings
}

struct Spelling<'a> {
    source: &'a Source,
    line: usize,
    in_constant: bool,
}

fn spellings<'a>(source: &'a Source, name: &str) -> impl Iterator<Item = Spelling<'a>> {
    let literal = format!("{name:?}");
    let is_product = source.krate().is_some_and(|krate| krate != "testkit");
    let found = source.product_tokens().filter(move |(_, token)| {
        is_product && token.kind == Kind::Literal && token.text == literal
    });
    found.map(|(index, token)| Spelling {
        source,
        line: token.line,
        in_constant: is_value_of_constant(&source.tokens[..index]),
    })
}

/// Whether the tokens before a literal are `const NAME: &str =`.
fn is_value_of_constant(before: &[Token]) -> bool {
    let words: Vec<&str> = before
        .iter()
        .rev()
        .take_while(|token| !token.is(";") && token.kind != Kind::Open)
        .map(|token| token.text.as_str())
        .collect();
    words.first() == Some(&"=") && words.contains(&"const")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about_irsa(files: &[(&str, &str)]) -> Vec<String> {
        let findings = a_chain_name_is_one_constant(&Tree::sample(files));
        findings
            .iter()
            .map(Finding::to_string)
            .filter(|finding| finding.contains("\"irsa\""))
            .collect()
    }

    const CONSTANT: (&str, &str) = (
        "crates/irsa/src/lib.rs",
        "/// The name.\npub const NAME: &str = \"irsa\";",
    );

    #[test]
    fn one_constant_and_its_uses_are_fine() {
        assert!(
            about_irsa(&[
                CONSTANT,
                (
                    "crates/provider/src/lib.rs",
                    "fn a() { chain(s3_credential_irsa::NAME) }"
                )
            ])
            .is_empty()
        );
        assert!(
            about_irsa(&[
                CONSTANT,
                (
                    "crates/provider/tests/a.rs",
                    "fn a() { assert_eq!(b, \"irsa\") }"
                )
            ])
            .is_empty()
        );
    }

    #[test]
    fn a_missing_constant_and_a_second_spelling_are_found() {
        assert_eq!(
            about_irsa(&[(
                "crates/irsa/src/lib.rs",
                "fn name() -> &'static str { \"irsa\" }"
            )])
            .len(),
            2
        );
        let found = about_irsa(&[
            CONSTANT,
            ("crates/cli/src/demo.rs", "\nfn a() { b(\"irsa\") }"),
        ]);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("crates/cli/src/demo.rs:2: "));
    }
}
