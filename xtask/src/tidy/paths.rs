//! Every path that a source names, spelled out: with `use std::env;`, a later `env::var` is
//! `std::env::var`.

use std::collections::HashMap;

use super::lexer::{Kind, Token};

/// A path of at least two segments, or one that is imported.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NamedPath {
    /// `std::env::var`; a glob import ends in `::*`.
    pub(crate) path: String,
    /// The index of its last token.
    pub(crate) token: usize,
    pub(crate) line: usize,
}

pub(crate) fn named_paths(tokens: &[Token]) -> Vec<NamedPath> {
    let mut paths = Vec::new();
    let mut imports = HashMap::new();
    let mut others = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        if is_import(tokens, index) {
            let mut import =
                Import { tokens, index: index + 1, aliases: &mut imports, paths: &mut paths };
            import.tree("");
            index = import.index;
        } else if let Some((segments, end)) = path_at(tokens, index) {
            others.push((segments, end - 1));
            index = end;
        } else {
            index += 1;
        }
    }
    // Imports stand for the whole file: an item inside a function may come after its use.
    for (segments, token) in others {
        let first = imports.get(segments[0]).map_or(segments[0], String::as_str);
        let path = std::iter::once(first)
            .chain(segments[1..].iter().copied())
            .collect::<Vec<_>>()
            .join("::");
        paths.push(NamedPath { path, token, line: tokens[token].line });
    }
    paths
}

fn is_import(tokens: &[Token], index: usize) -> bool {
    let precise_capture = tokens.get(index + 1).is_some_and(|next| next.is("<"));
    tokens[index].kind == Kind::Word && tokens[index].is("use") && !precise_capture
}

/// A path of two or more segments that starts here, with the index behind it.
fn path_at(tokens: &[Token], start: usize) -> Option<(Vec<&str>, usize)> {
    let follows_dot = start.checked_sub(1).is_some_and(|before| tokens[before].is("."));
    let mut index = start;
    let mut segments = Vec::new();
    while let Some(word) = tokens.get(index).filter(|token| token.kind == Kind::Word) {
        segments.push(word.text.as_str());
        index += 1;
        let continues = tokens.get(index).is_some_and(|token| token.is("::"));
        if !continues || tokens.get(index + 1).is_none_or(|token| token.kind != Kind::Word) {
            break;
        }
        index += 1;
    }
    (segments.len() > 1 && !follows_dot).then_some((segments, index))
}

/// Reads one `use` declaration.
struct Import<'a> {
    tokens: &'a [Token],
    index: usize,
    aliases: &'a mut HashMap<String, String>,
    paths: &'a mut Vec<NamedPath>,
}

impl Import<'_> {
    fn tree(&mut self, prefix: &str) {
        let mut path = prefix.to_owned();
        while let Some(token) = self.tokens.get(self.index) {
            match token.text.as_str() {
                "::" => self.index += 1,
                "{" => return self.group(&path),
                "*" => {
                    self.index += 1;
                    return self.found(&format!("{path}::*"), None);
                }
                "as" => {
                    let alias = self.tokens.get(self.index + 1).map(|token| token.text.clone());
                    self.index += 2;
                    return self.found(&path, alias);
                }
                // `use std::fs::{self}` is `use std::fs`.
                "self" if !path.is_empty() => self.index += 1,
                segment if token.kind == Kind::Word => {
                    path = if path.is_empty() {
                        segment.to_owned()
                    } else {
                        format!("{path}::{segment}")
                    };
                    self.index += 1;
                }
                _ => break,
            }
        }
        let name = path.rsplit("::").next().map(str::to_owned);
        self.found(&path, name);
    }

    fn group(&mut self, prefix: &str) {
        self.index += 1;
        while let Some(token) = self.tokens.get(self.index) {
            match token.text.as_str() {
                "," => self.index += 1,
                "}" => {
                    self.index += 1;
                    return;
                }
                _ if token.kind == Kind::Word
                    || token.is("::")
                    || token.is("*")
                    || token.is("{") =>
                {
                    self.tree(prefix);
                }
                _ => return,
            }
        }
    }

    fn found(&mut self, path: &str, alias: Option<String>) {
        let token = self.index.saturating_sub(1).min(self.tokens.len() - 1);
        self.paths.push(NamedPath { path: path.to_owned(), token, line: self.tokens[token].line });
        if let Some(alias) = alias {
            self.aliases.insert(alias, path.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::lexer::lex;
    use super::*;

    fn paths(source: &str) -> Vec<String> {
        named_paths(&lex(source).unwrap()).into_iter().map(|named| named.path).collect()
    }

    #[test]
    fn a_path_is_spelled_out_through_its_import() {
        assert_eq!(
            paths("use std::env; fn a() { env::var(\"A\") }"),
            ["std::env", "std::env::var"]
        );
        assert_eq!(
            paths("use std::env as e; fn a() { e::var(\"A\") }"),
            ["std::env", "std::env::var"]
        );
        assert_eq!(
            paths("use std::fs::{self, File}; fn a() { fs::write(File::create(b)) }"),
            ["std::fs", "std::fs::File", "std::fs::write", "std::fs::File::create"]
        );
    }

    #[test]
    fn nested_groups_and_globs_are_read() {
        assert_eq!(
            paths("use std::{env::{self, var}, fs::*};"),
            ["std::env", "std::env::var", "std::fs::*"]
        );
    }

    #[test]
    fn an_import_inside_a_function_counts_before_its_line_too() {
        assert_eq!(paths("fn a() { fs::read(b); use std::fs; }"), ["std::fs", "std::fs::read"]);
    }

    #[test]
    fn paths_inside_macros_are_found_and_methods_are_not_paths() {
        assert_eq!(
            paths("fn a() { b!(\"{}\", std::env::args()); c.d::<E>() }"),
            ["std::env::args"]
        );
    }
}
