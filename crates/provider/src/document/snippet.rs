//! The line that a problem is about, without what may be secret.

use crate::document::diagnostic::Diagnostic;
use crate::document::tree::Span;

/// A longer line is shown in part, around the place that counts.
const WIDTH: usize = 100;

/// The mark in the place of other values, which may be secret.
const ELSEWHERE: char = '…';

/// A line of the file, as it may be shown, with the columns (from 0) that the caret marks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Snippet {
    pub(crate) line: String,
    pub(crate) column: usize,
    pub(crate) len: usize,
}

impl Snippet {
    pub(crate) fn among(line: &str, scalars: &[Span], diagnostic: &Diagnostic) -> Self {
        let span = diagnostic.span;
        let mut hidden: Vec<&Span> = scalars
            .iter()
            .filter(|scalar| {
                scalar.line == span.line && (diagnostic.conceal || !overlap(**scalar, span))
            })
            .collect();
        hidden.sort();
        let characters: Vec<char> = line.chars().collect();
        let mut shown = Vec::new();
        let mut column = span.column - 1;
        let mut next = 0;
        for scalar in hidden {
            let start = scalar.column - 1;
            let end = (start + scalar.len).min(characters.len());
            // What an alias stands for is all in the alias's own span.
            if start < next || start >= end {
                continue;
            }
            shown.extend(&characters[next..start]);
            shown.push(ELSEWHERE);
            if start < span.column - 1 {
                column -= end - start - 1;
            }
            next = end;
        }
        shown.extend(&characters[next..]);
        Self::new(&shown, column, if diagnostic.conceal { 1 } else { span.len })
    }

    /// Leaves out what comes after the span: without a tree it may be a secret.
    pub(crate) fn up_to(line: &str, span: Span) -> Self {
        let end = span.column - 1 + span.len;
        let mut shown: Vec<char> = line.chars().take(end).collect();
        if line.chars().nth(end).is_some() {
            shown.push(ELSEWHERE);
        }
        Self::new(&shown, span.column - 1, span.len)
    }

    fn new(line: &[char], column: usize, len: usize) -> Self {
        let column = column.min(line.len());
        // A caret for what is not there stands behind the line.
        let len = len.min(line.len() - column).max(1);
        // No character of a file may move the cursor of a terminal.
        let printable = |&c: &char| if c.is_control() && c != '\t' { '\u{fffd}' } else { c };
        Self { line: line.iter().map(printable).collect(), column, len }.cropped()
    }

    fn cropped(self) -> Self {
        let count = self.line.chars().count();
        if count <= WIDTH {
            return self;
        }
        let from = self.column.saturating_sub(WIDTH / 2).min(count - WIDTH);
        let len = self.len.min(WIDTH);
        let part: String = self.line.chars().skip(from).take(WIDTH).collect();
        let before = if from > 0 { "…" } else { "" };
        let after = if from + WIDTH < count { "…" } else { "" };
        let column = self.column - from + before.chars().count();
        Self { line: format!("{before}{part}{after}"), column, len }
    }
}

fn overlap(one: Span, other: Span) -> bool {
    one.column < other.column + other.len && other.column < one.column + one.len
}
