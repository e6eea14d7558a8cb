//! Diagnostics: problems of a file, with their places.

use std::fmt;

use serde::Serialize;

use crate::document::tree::Span;

/// The severity of a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used, and may not do what was meant.
    Warning,
}

impl Severity {
    /// The word in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The reason why a text is refused, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejection {
    pub(crate) message: String,
    pub(crate) help: String,
}

impl Rejection {
    pub(crate) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}

/// Something found at a place of the tree, before it is shown with its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Diagnostic {
    pub(crate) severity: Severity,
    pub(crate) span: Span,
    pub(crate) path: String,
    pub(crate) message: String,
    pub(crate) suggestion: Option<String>,
    /// The value itself may be secret: it is not shown with its line.
    pub(crate) conceal: bool,
}

impl Diagnostic {
    pub(crate) fn at(span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            span,
            path: String::new(),
            message: message.into(),
            suggestion: None,
            conceal: false,
        }
    }

    pub(crate) fn warning_at(span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::at(span, message) }
    }

    pub(crate) fn of(self, path: impl Into<String>) -> Self {
        Self { path: path.into(), ..self }
    }

    pub(crate) fn suggesting(self, suggestion: impl Into<Option<String>>) -> Self {
        Self { suggestion: suggestion.into().filter(|text| !text.is_empty()), ..self }
    }
}

/// The path of a key within a path, as `sources.team-a.timeout`.
pub(crate) fn key_path(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// The path of an item, counted from 0, as `chains.driver[0]`.
pub(crate) fn item_path(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}
