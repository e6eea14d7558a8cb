//! The output of a section for `cargo xtask bench`: rows of one table, a line of JSON each.

use std::collections::BTreeMap;

use serde::Serialize;

/// One row.
#[derive(Debug, Serialize)]
pub struct Row {
    pub what: String,
    pub goal: String,
    /// By subject.
    pub cells: BTreeMap<String, String>,
    /// Whether ours met the goal; `None` where there is no goal, or where the machine's load
    /// decides.
    pub met: Option<bool>,
}

impl Row {
    pub fn new(what: impl Into<String>, goal: impl Into<String>) -> Self {
        Self { what: what.into(), goal: goal.into(), cells: BTreeMap::new(), met: None }
    }

    #[must_use]
    pub fn cell(mut self, subject: &str, value: impl Into<String>) -> Self {
        self.cells.insert(subject.to_owned(), value.into());
        self
    }

    #[must_use]
    pub fn met(mut self, met: bool) -> Self {
        self.met = Some(met);
        self
    }

    pub fn print(&self) {
        println!("{}", serde_json::to_string(self).unwrap());
    }
}

/// The value that this share of all values does not exceed.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a position")]
    let position = ((sorted.len() - 1) as f64 * share).ceil() as usize;
    sorted[position]
}

pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// Seconds, in the unit that suits them.
pub fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1e-6 => format!("{:.1} ns", s * 1e9),
        s if s < 1e-3 => format!("{:.1} us", s * 1e6),
        s if s < 1.0 => format!("{:.1} ms", s * 1e3),
        s => format!("{s:.1} s"),
    }
}
