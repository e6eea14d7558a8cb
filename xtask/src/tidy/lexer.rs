//! Rust source as a flat sequence of tokens with their lines. Comments are gone, and so are doc
//! comments: a rule never trips over prose.

use std::str::FromStr;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Word,
    /// `::` is one token, every other mark is a token of its own.
    Mark,
    Literal,
    Open,
    Close,
}

#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    /// First and last line, counted from 1.
    pub(crate) line: usize,
    pub(crate) last_line: usize,
}

impl Token {
    pub(crate) fn is(&self, text: &str) -> bool {
        self.text == text
    }
}

/// # Errors
/// The text is not Rust.
pub(crate) fn lex(text: &str) -> Result<Vec<Token>, String> {
    let stream = TokenStream::from_str(text).map_err(|error| error.to_string())?;
    let mut tokens = Vec::new();
    flatten(stream, &mut tokens);
    Ok(tokens)
}

/// The index of the token that closes what `open` opens.
pub(crate) fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close if depth <= 1 => return index,
            Kind::Close => depth -= 1,
            _ => {}
        }
    }
    tokens.len().saturating_sub(1)
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut index = 0;
    while let Some(tree) = trees.get(index) {
        if let Some(length) = doc_attribute(&trees[index..]) {
            index += length;
            continue;
        }
        index += 1;
        let (kind, text) = match tree {
            TokenTree::Group(group) => {
                let (open, close) = marks(group.delimiter());
                tokens.extend(token(Kind::Open, open, group.span_open()));
                flatten(group.stream(), tokens);
                tokens.extend(token(Kind::Close, close, group.span_close()));
                continue;
            }
            TokenTree::Punct(_) if is_path_separator(tree, trees.get(index)) => {
                index += 1;
                (Kind::Mark, "::".to_owned())
            }
            TokenTree::Punct(mark) => (Kind::Mark, mark.as_char().to_string()),
            TokenTree::Ident(word) => (Kind::Word, word.to_string()),
            TokenTree::Literal(literal) => (Kind::Literal, literal.to_string()),
        };
        tokens.extend(token(kind, &text, tree.span()));
    }
}

/// Returns the number of trees of the documentation attribute at the start, if there is one: the
/// lexer turns doc comments into them.
fn doc_attribute(trees: &[TokenTree]) -> Option<usize> {
    let is_mark = |tree: Option<&TokenTree>, mark| matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == mark);
    if !is_mark(trees.first(), '#') {
        return None;
    }
    let inner = usize::from(is_mark(trees.get(1), '!'));
    let TokenTree::Group(group) = trees.get(1 + inner)? else {
        return None;
    };
    let first = group.stream().into_iter().next()?;
    (group.delimiter() == Delimiter::Bracket && first.to_string() == "doc").then_some(2 + inner)
}

fn is_path_separator(tree: &TokenTree, next: Option<&TokenTree>) -> bool {
    let (TokenTree::Punct(first), Some(TokenTree::Punct(second))) = (tree, next) else {
        return false;
    };
    first.as_char() == ':' && first.spacing() == Spacing::Joint && second.as_char() == ':'
}

fn marks(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    }
}

fn token(kind: Kind, text: &str, span: proc_macro2::Span) -> Option<Token> {
    (!text.is_empty()).then(|| Token {
        kind,
        text: text.to_owned(),
        line: span.start().line,
        last_line: span.end().line,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        lex(source).unwrap().into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_doc_comments_leave_no_token() {
        assert_eq!(
            texts("//! unsafe\n/// unsafe\nfn a() {} // unsafe"),
            ["fn", "a", "(", ")", "{", "}"]
        );
    }

    #[test]
    fn a_path_separator_is_one_token_and_a_type_mark_another() {
        assert_eq!(texts("a::b: c"), ["a", "::", "b", ":", "c"]);
    }

    #[test]
    fn a_literal_of_many_lines_knows_its_first_and_its_last() {
        let tokens = lex("\n\"a\nb\"").unwrap();
        assert_eq!((tokens[0].line, tokens[0].last_line), (2, 3));
    }

    #[test]
    fn what_is_not_rust_is_an_error() {
        assert!(lex("fn a( {").is_err());
    }
}
