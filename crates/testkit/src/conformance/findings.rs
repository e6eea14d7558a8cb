//! The problems that the suite has found.

use std::fmt::Write as _;

use s3_credential_core::{AttemptError, ErrorKind};

use super::observed::{BLOCKING, Observed, PATIENCE};

#[derive(Default)]
pub(super) struct Findings {
    pub(super) canaries: Vec<String>,
    pub(super) problems: Vec<String>,
}

impl Findings {
    pub(super) fn add(&mut self, problem: impl std::fmt::Display) {
        self.problems.push(format!("- {problem}"));
    }

    /// One word everywhere: configuration key, metric label, output.
    pub(super) fn name(&mut self, name: &str) {
        let words = |name: &str| {
            name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if name.is_empty() || !words(name) || name.starts_with('-') || name.ends_with('-') {
            self.add("its name is not of lower-case letters, digits and inner dashes".to_owned());
        }
    }

    /// Checks the answer of a plug-in that should not apply.
    pub(super) fn skipped<T>(&mut self, answer: Option<Result<T, AttemptError>>) {
        match answer {
            Some(Err(error @ AttemptError::NotApplicable(_))) => self.error(&error),
            other => self
                .add(format!("where it should not apply it answers {}", outcome(other.as_ref()))),
        }
    }

    /// Checks the answer of a plug-in that should be broken in this way.
    pub(super) fn failed<T>(&mut self, answer: Option<Result<T, AttemptError>>, kind: ErrorKind) {
        match answer {
            Some(Err(AttemptError::Failed(failure))) => {
                if failure.kind() != kind {
                    self.add(format!(
                        "where it should fail with {kind} it fails with {}",
                        failure.kind()
                    ));
                }
                self.error(&AttemptError::Failed(failure));
            }
            other => self.add(format!(
                "where it should fail with {kind} it answers {}",
                outcome(other.as_ref())
            )),
        }
    }

    /// Checks the text for a user: on one line, with what to do.
    fn error(&mut self, error: &AttemptError) {
        let message = error.to_string();
        if message.trim().is_empty() || message.contains(['\n', '\r']) {
            self.add("the reason it gives is empty or on several lines".to_owned());
        }
        if let AttemptError::Failed(failure) = error
            && failure.help() == failure.kind().advice()
            && !failure.is_retryable()
        {
            self.add(format!("it fails with {} and does not say what to do", failure.kind()));
        }
        let mut shown = format!("{message} {error:?}");
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            let _ = write!(shown, " {error}");
            cause = error.source();
        }
        self.shown(&shown);
    }

    /// A plug-in without cases would conform untested.
    pub(super) fn cases(&mut self, count: usize) {
        if count == 0 {
            self.add("it has no cases: name a volume that it serves, skips or fails for");
        }
    }

    /// Checks the side effects of a call.
    pub(super) fn observed(&mut self, observed: &Observed) {
        if observed.longest_poll >= BLOCKING {
            self.add(format!(
                "it blocks its thread for {:.1} s: await, or use `spawn_blocking`",
                observed.longest_poll.as_secs_f64()
            ));
        }
        self.shown(&observed.log.text());
    }

    pub(super) fn shown(&mut self, text: &str) {
        if self.canaries.iter().any(|canary| text.contains(canary.as_str())) {
            self.add("it shows a secret".to_owned());
        }
    }
}

pub(super) fn outcome<T>(answer: Option<&Result<T, AttemptError>>) -> String {
    match answer {
        None => format!("no answer within {} s", PATIENCE.as_secs()),
        Some(Ok(_)) => "credentials or a region".to_owned(),
        Some(Err(AttemptError::Failed(failure))) => {
            format!("a failure: {}: {failure}", failure.kind())
        }
        Some(Err(error)) => format!("not applicable: {error}"),
    }
}
