//! One line a case, and the closing tally.

use crate::Result;
use crate::cases::Case;

#[derive(Debug, Default)]
pub(crate) struct Report {
    passed: usize,
    failed: usize,
    deviations: usize,
}

impl Report {
    pub(crate) fn add(&mut self, case: &Case, outcome: Result<()>) {
        let (mark, detail) = match outcome {
            Ok(()) => {
                self.passed += 1;
                ("ok  ", None)
            }
            Err(error) if case.required => {
                self.failed += 1;
                ("FAIL", Some(error))
            }
            Err(error) => {
                self.deviations += 1;
                ("note", Some(error))
            }
        };
        println!("{mark} {}: {}", case.subject, case.sentence);
        if let Some(error) = detail {
            println!("       {error}");
        }
    }

    /// Returns whether every required case has passed.
    pub(crate) fn close(&self) -> bool {
        let Self { passed, failed, deviations } = self;
        println!("{passed} passed, {failed} failed, {deviations} advisory cases not met");
        *failed == 0
    }
}
