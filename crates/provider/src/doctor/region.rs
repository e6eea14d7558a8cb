//! The region, for a volume that does not name one.

use s3_credential_core::{AuthenticationLevel, ErrorKind, ResolvedRegion, resolver_names};

use super::check::{Check, CheckStatus, Verdict};
use super::patience::Patience;
use super::volume;
use crate::resolve::Resolver;

#[derive(Debug)]
pub(super) struct Region {
    pub(super) check: Check,
    pub(super) resolved: Option<ResolvedRegion>,
}

impl Region {
    /// Returns whether the region comes from elsewhere than IMDS.
    pub(super) fn is_known_without_imds(&self) -> bool {
        self.resolved.as_ref().is_some_and(|resolved| resolved.resolver != resolver_names::IMDS)
    }
}

pub(super) async fn look(patience: &Patience<'_>, resolver: &Resolver) -> Region {
    let resolve = async {
        let context = volume(AuthenticationLevel::Driver, &[])?;
        resolver.region.resolve(patience.clock, &context).await.result
    };
    let (answer, took) = patience.wait(resolve).await;
    let (verdict, resolved) = match answer {
        Some(Ok(resolved)) => {
            let reason = format!("{} (from {})", resolved.region, resolved.resolver);
            (Verdict::ok(reason), Some(resolved))
        }
        Some(Err(failure)) => {
            // Volumes may name theirs.
            let status = match failure.kind() {
                ErrorKind::NoRegion | ErrorKind::Unavailable => CheckStatus::Warning,
                _ => CheckStatus::Failed,
            };
            (Verdict::of(status, &failure), None)
        }
        None => (Verdict::new(CheckStatus::Warning, Patience::none_in_time(), ""), None),
    };
    Region { check: verdict.check("region", took), resolved }
}
