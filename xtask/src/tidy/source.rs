//! One Rust source, read once for all rules.

use std::collections::BTreeSet;

use super::lexer::{Token, lex};
use super::paths::{NamedPath, named_paths};
use super::test_code::{TestCode, TestFunction};

#[derive(Debug)]
pub(crate) struct Source {
    /// Relative to the root, with `/`.
    pub(crate) path: String,
    pub(crate) tokens: Vec<Token>,
    pub(crate) paths: Vec<NamedPath>,
    /// Everything in the file is test code.
    pub(crate) all_test: bool,
    tests: TestCode,
}

impl Source {
    /// # Errors
    /// The text is not Rust.
    pub(crate) fn read(path: &str, text: &str) -> Result<Self, String> {
        let tokens = lex(text)?;
        let paths = named_paths(&tokens);
        let tests = TestCode::find(&tokens);
        let all_test =
            path.split('/').any(|part| ["tests", "benches", "examples", "fuzz"].contains(&part))
                || path.ends_with("/tests.rs");
        Ok(Self { path: path.to_owned(), tokens, paths, all_test, tests })
    }

    /// The folder under `crates/` that it is in.
    pub(crate) fn krate(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    pub(crate) fn is_test(&self, token: usize) -> bool {
        self.all_test || self.tests.ranges.iter().any(|range| range.contains(&token))
    }

    pub(crate) fn test_functions(&self) -> &[TestFunction] {
        &self.tests.functions
    }

    /// The files of its modules that are for tests only, without `.rs`.
    pub(crate) fn test_module_files(&self) -> impl Iterator<Item = String> {
        let stem = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        let folder = match stem.rsplit_once('/') {
            Some((folder, "lib" | "main")) => folder,
            _ => stem,
        };
        self.tests.modules.iter().map(move |module| format!("{folder}/{module}"))
    }

    /// Tokens outside tests, with their index.
    pub(crate) fn product_tokens(&self) -> impl Iterator<Item = (usize, &Token)> {
        self.tokens.iter().enumerate().filter(|(index, _)| !self.is_test(*index))
    }

    /// Paths named outside tests.
    pub(crate) fn product_paths(&self) -> impl Iterator<Item = &NamedPath> {
        self.paths.iter().filter(|named| !self.is_test(named.token))
    }

    /// Lines of code outside tests: blank lines, comments and documentation are not counted.
    pub(crate) fn code_lines(&self) -> usize {
        self.product_tokens()
            .flat_map(|(_, token)| token.line..=token.last_line)
            .collect::<BTreeSet<_>>()
            .len()
    }
}
