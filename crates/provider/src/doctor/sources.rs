//! The driver's own credentials: what its environment has of them, and what of them is half there.

use std::time::Duration;

use futures::future::join_all;
use s3_credential_core::{
    AuthenticationLevel, Failure, SourceChain, SourceError, SourcedForm, source_names,
};

use super::check::{Check, CheckStatus, Verdict};
use super::patience::Patience;
use super::volume;
use crate::identity::Identity;

const NAME: &str = "environment";

/// The driver's credentials.
#[derive(Debug)]
pub(super) struct Sources {
    pub(super) check: Check,
    /// Whether a source other than IMDS has credentials.
    pub(super) has_own: bool,
}

/// Asks every source of the driver's chain, also those after the first that has an answer, to
/// report incomplete settings.
pub(super) async fn look(patience: &Patience<'_>, chain: &SourceChain) -> Sources {
    let context = match volume(AuthenticationLevel::Driver, &[]) {
        Ok(context) => context,
        Err(failure) => return broken(&failure),
    };
    let context = &context;
    let asked = chain.sources().map(|source| async move {
        let (answer, took) = patience.wait(source.provide(context)).await;
        (source.name(), answer, took)
    });
    let answers = join_all(asked).await;
    let took = answers.iter().map(|(_, _, took)| *took).max().unwrap_or_default();

    let mut provided = Vec::new();
    let mut broken = Reasons::default();
    let mut absent = Reasons::default();
    for (name, answer, _) in answers {
        match answer {
            Some(Ok(form)) => provided.push(SourcedForm { source: name.to_owned(), form }),
            Some(Err(SourceError::Failed(failure))) => {
                broken.add(name, failure.message(), failure.help());
            }
            Some(Err(SourceError::NotApplicable(skip))) => {
                absent.add(name, skip.reason(), skip.help());
            }
            Some(Err(error)) => broken.add(name, &error.to_string(), ""),
            None => broken.add(name, &Patience::none_in_time(), ""),
        }
    }
    let verdict = match provided.first() {
        _ if !broken.reasons.is_empty() => broken.verdict(CheckStatus::Failed, ""),
        Some(first) => Verdict::ok(used(&Identity::of(context, first, None))),
        None => absent.verdict(
            CheckStatus::Warning,
            "the driver has no credentials of its own, so volumes at driver level cannot be mounted: ",
        ),
    };
    Sources {
        check: verdict.check(NAME, took),
        has_own: provided.iter().any(|sourced| sourced.source != source_names::IMDS),
    }
}

fn used(identity: &Identity) -> String {
    let source = identity.source.as_deref().unwrap_or_default();
    let role = identity.role_arn.as_ref().map(|role| format!(", {role}")).unwrap_or_default();
    format!("volumes at driver level use {source} ({}{role})", identity.form)
}

fn broken(failure: &Failure) -> Sources {
    let check = Verdict::of(CheckStatus::Failed, failure).check(NAME, Duration::ZERO);
    Sources { check, has_own: false }
}

/// The reasons and helps of several sources.
#[derive(Debug, Default)]
struct Reasons {
    reasons: Vec<String>,
    helps: Vec<String>,
}

impl Reasons {
    fn add(&mut self, name: &str, reason: &str, help: &str) {
        self.reasons.push(format!("{name}: {reason}"));
        if !help.is_empty() {
            self.helps.push(help.to_owned());
        }
    }

    fn verdict(self, status: CheckStatus, before: &str) -> Verdict {
        let reason = format!("{before}{}", self.reasons.join("; "));
        Verdict::new(status, reason, self.helps.join("; or "))
    }
}
