//! The instance metadata service: whether it answers, and whether that matters.

use std::time::Duration;

use s3_credential_core::{names, source_names};
use s3_credential_imds::{Examination, Imds};

use super::check::{Check, CheckStatus, Verdict};
use super::patience::Patience;
use super::region::Region;
use super::sources::Sources;
use crate::plugins::Services;
use crate::resolve::Resolver;

/// The examination of IMDS, before it is known whether it is needed.
#[derive(Debug)]
pub(super) struct Looked {
    examined: Option<Examination>,
    took: Duration,
}

pub(super) async fn look(patience: &Patience<'_>, imds: Imds) -> Looked {
    let (examined, took) = patience.wait(Box::pin(imds.examine())).await;
    Looked { examined, took }
}

impl Looked {
    /// An IMDS that is not needed may be absent, and is best kept from pods.
    pub(super) fn check(
        self,
        resolver: &Resolver,
        services: &Services,
        sources: &Sources,
        region: &Region,
    ) -> Check {
        let may_have_keys = resolver.driver.source(source_names::IMDS).is_some();
        let is_needed = (may_have_keys && !sources.has_own) || !region.is_known_without_imds();
        let is_named =
            services.context.environment().get(names::AWS_EC2_METADATA_SERVICE_ENDPOINT).is_some();
        let verdict = match self.examined {
            Some(Examination::Answers { role, region }) => {
                let role = role
                    .map_or("the instance has no role".to_owned(), |role| format!("role {role}"));
                let region =
                    region.map_or("no region".to_owned(), |region| format!("region {region}"));
                Verdict::ok(format!("answers: {role}, {region}"))
            }
            Some(Examination::SwitchedOff(failure)) => Verdict::skipped(failure.message()),
            Some(Examination::NotThere(failure)) => match (is_named, is_needed) {
                (true, _) => Verdict::of(CheckStatus::Failed, &failure),
                (false, true) => Verdict::of(CheckStatus::Warning, &failure),
                (false, false) => {
                    Verdict::skipped(format!("{}; it is not needed", failure.message()))
                }
            },
            Some(Examination::Mute(failure)) if is_needed => {
                Verdict::of(CheckStatus::Failed, &failure)
            }
            Some(Examination::Mute(failure)) => Verdict::of(CheckStatus::Warning, &failure),
            Some(Examination::Misconfigured(failure)) => Verdict::of(CheckStatus::Failed, &failure),
            Some(_) | None => Verdict::new(CheckStatus::Warning, Patience::none_in_time(), ""),
        };
        verdict.check(source_names::IMDS, self.took)
    }
}
