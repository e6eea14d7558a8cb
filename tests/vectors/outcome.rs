//! The outcome of a step, expected or ours, in our layout.

use std::collections::BTreeMap;
use std::fmt;

use s3_credential_core::{Code, ErrorKind};

use crate::tree::{Tree, difference};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) answer: Answer,
    /// The entries under the write path afterwards; `None` where it is missing.
    pub(crate) tree: Option<Tree>,
    /// Paths that changed elsewhere.
    pub(crate) outside: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Level and environment.
    Provided {
        level: String,
        variables: BTreeMap<String, String>,
    },
    Refused(Refusal),
    CleanupReport,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A plain error, which has no code.
    Plain,
    /// The Go driver's.
    Code(String),
    /// The kind of our refusal.
    Kind(ErrorKind),
}

impl Refusal {
    fn code(&self) -> Option<String> {
        match self {
            Self::Plain => None,
            Self::Code(code) => Some(code.clone()),
            Self::Kind(kind) => Some(camel_case(kind.code())),
        }
    }

    /// Returns whether ours is expected: any refusal for a plain error, otherwise the exact kind.
    fn is(&self, ours: &Self) -> bool {
        match (self, ours) {
            (Self::Plain, _) => true,
            (Self::Kind(_), Self::Kind(_)) => self == ours,
            _ => self.code() == ours.code(),
        }
    }
}

impl Outcome {
    /// Returns the difference between ours and the expectation.
    pub(crate) fn differs_from(&self, ours: &Self) -> Option<String> {
        let answer = match (&self.answer, &ours.answer) {
            (Answer::Refused(expected), Answer::Refused(refusal)) => expected.is(refusal),
            (expected, answer) => expected == answer,
        };
        if !answer {
            return Some(format!("expected {:?}, is {:?}", self.answer, ours.answer));
        }
        if self.outside != ours.outside {
            return Some(format!("expected changes of {:?}, are {:?}", self.outside, ours.outside));
        }
        match (&self.tree, &ours.tree) {
            (Some(expected), Some(tree)) => difference(expected, tree),
            (None, None) => None,
            (expected, tree) => Some(format!("expected {expected:?}, is {tree:?}")),
        }
    }
}

/// Returns the code in Go's spelling.
fn camel_case(code: Code) -> String {
    let capital = |word: &str| format!("{}{}", &word[..1], word[1..].to_lowercase());
    code.as_str().split('_').map(capital).collect()
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => f.write_str("an error"),
            Self::Code(code) => f.write_str(code),
            Self::Kind(kind) => write!(f, "{kind} ({})", kind.code()),
        }
    }
}
