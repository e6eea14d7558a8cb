//! Problems as a person reads them: with file, line, column, the line itself and a caret.

use std::fmt::{self, Write as _};

use serde::Serialize;

use crate::document::diagnostic::{Diagnostic, Severity};
use crate::document::snippet::Snippet;
use crate::document::tree::Span;

/// The longest part of a path, a message or a suggestion that is shown, in characters: names of
/// keys come from the file.
const MAX_NAMED: usize = 400;
const MAX_SUGGESTED: usize = 2_000;

/// One problem of a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ConfigProblem {
    /// Whether the file can be used all the same.
    pub severity: Severity,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The key that it is about, as `chains.driver[0]`; empty for the file as a whole.
    pub path: String,
    /// The problem.
    pub message: String,
    /// The probably intended text, or what to write.
    pub suggestion: Option<String>,
    #[serde(skip)]
    snippet: Snippet,
}

/// Everything there is to say about one configuration file, in the order of its lines.
///
/// `Display` is what `s3cred config check` prints. Of the lines that it shows, values are left out
/// but for the one that is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigReport {
    file: String,
    problems: Vec<ConfigProblem>,
}

impl ConfigReport {
    /// `scalars` are the places of all values of the file; none are known where it could not be
    /// parsed.
    pub(crate) fn new(
        file: &str,
        text: &str,
        scalars: Option<&[Span]>,
        diagnostics: Vec<Diagnostic>,
    ) -> Self {
        // As YAML counts them: with the lines of others, another line than the one that is meant
        // would be shown, and its values with it.
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let lines: Vec<&str> = text.lines().collect();
        let mut problems: Vec<ConfigProblem> = diagnostics
            .into_iter()
            .map(|diagnostic| {
                let line = lines.get(diagnostic.span.line - 1).copied().unwrap_or_default();
                let snippet = match scalars {
                    Some(scalars) => Snippet::among(line, scalars, &diagnostic),
                    None => Snippet::up_to(line, diagnostic.span),
                };
                ConfigProblem {
                    severity: diagnostic.severity,
                    line: diagnostic.span.line,
                    column: diagnostic.span.column,
                    path: on_one_line(&diagnostic.path, MAX_NAMED),
                    message: on_one_line(&diagnostic.message, MAX_NAMED),
                    suggestion: diagnostic.suggestion.map(|text| on_one_line(&text, MAX_SUGGESTED)),
                    snippet,
                }
            })
            .collect();
        problems.sort_by_key(|problem| (problem.line, problem.column));
        problems.dedup();
        Self { file: file.to_owned(), problems }
    }

    /// Returns the file, as messages name it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Returns whether the file can be used.
    pub fn is_valid(&self) -> bool {
        self.errors().next().is_none()
    }

    /// Every problem, in the order of the lines.
    pub fn problems(&self) -> &[ConfigProblem] {
        &self.problems
    }

    /// Returns the problems that stand in the way.
    pub fn errors(&self) -> impl Iterator<Item = &ConfigProblem> {
        self.problems.iter().filter(|problem| problem.severity == Severity::Error)
    }
}

impl fmt::Display for ConfigReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            let ConfigProblem { severity, line, column, message, snippet, .. } = problem;
            writeln!(f, "{}:{line}:{column}: {severity}: {message}", self.file)?;
            let margin = line.to_string().len();
            writeln!(f, " {line} | {}", snippet.line.trim_end())?;
            // Tabs stay tabs, so that the caret stands under what it marks.
            let indent: String = snippet
                .line
                .chars()
                .take(snippet.column)
                .map(|c| if c == '\t' { c } else { ' ' })
                .collect();
            let carets = "^".repeat(snippet.len);
            write!(f, " {:margin$} | {indent}{carets}", "")?;
            match &problem.suggestion {
                Some(suggestion) => writeln!(f, " {suggestion}")?,
                None => f.write_char('\n')?,
            }
        }
        Ok(())
    }
}

fn on_one_line(text: &str, at_most: usize) -> String {
    let escaped = text.chars().flat_map(|c| {
        // Of two iterators one is empty.
        let control = c.is_control().then(|| c.escape_debug());
        control.into_iter().flatten().chain((!c.is_control()).then_some(c))
    });
    escaped.take(at_most).collect()
}
