//! What each step should have done, and whether it did.

use std::fmt::Display;

/// How many things were looked at, and which of them were not as they should be.
#[derive(Debug, Default)]
pub(super) struct Checks {
    pub(super) made: usize,
    pub(super) failures: Vec<String>,
}

impl Checks {
    /// Notes whether something is as it should be; `what` says how it should be.
    pub(super) fn that(&mut self, what: impl Into<String>, holds: bool) {
        self.made += 1;
        if !holds {
            self.failures.push(format!("this should be so and is not: {}", what.into()));
        }
    }

    /// Returns the result of a step; `None` if it failed, whose reason is recorded.
    pub(super) fn done<T, E: Display>(&mut self, step: &str, result: Result<T, E>) -> Option<T> {
        self.made += 1;
        result.map_err(|error| self.failures.push(format!("{step}: {error}"))).ok()
    }
}
