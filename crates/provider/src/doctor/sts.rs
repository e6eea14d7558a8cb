//! STS, through whatever proxy leads there.

use s3_credential_core::{Environment, ErrorKind, ResolvedRegion, names, source_names};

use super::check::{Check, CheckStatus, Verdict};
use super::clock::Offset;
use super::patience::Patience;
use crate::plugins::Services;
use crate::resolve::Resolver;

#[derive(Debug)]
pub(super) struct Sts {
    pub(super) check: Check,
    pub(super) time: Option<Offset>,
}

pub(super) async fn look(
    patience: &Patience<'_>,
    resolver: &Resolver,
    services: &Services,
    region: Option<&ResolvedRegion>,
) -> Sts {
    let region = region.map(|resolved| &resolved.region);
    let probe = async {
        let reached = services.sts.probe(region).await;
        (reached, patience.clock.now())
    };
    let (answer, took) = patience.wait(probe).await;
    let environment = services.context.environment();
    let mut time = None;
    let verdict = match answer {
        Some((Ok(reached), now)) => {
            time = reached.at.map(|at| Offset::new("STS", at, now));
            Verdict::ok(format!("{} answers{}", reached.url, through(environment, &reached.url)))
        }
        Some((Err(failure), _)) if failure.kind() == ErrorKind::NoRegion => {
            Verdict::skipped("no region is known, so there is no STS to call")
        }
        Some((Err(failure), _)) if is_used(resolver, environment) => {
            Verdict::of(CheckStatus::Failed, &failure)
        }
        Some((Err(failure), _)) => Verdict::of(CheckStatus::Warning, &failure),
        None => Verdict::new(CheckStatus::Failed, Patience::none_in_time(), ""),
    };
    Sts { check: verdict.check("sts", took), time }
}

/// Returns whether a source of this workspace gives what STS exchanges.
fn is_used(resolver: &Resolver, environment: &Environment) -> bool {
    resolver.driver.source(source_names::IRSA).is_some()
        || resolver.pod.source(source_names::POD_TOKEN).is_some()
        || environment.get(names::AWS_ENDPOINT_URL_STS).is_some()
}

/// Returns a note that a proxy is set, which may have answered instead. Its URL may hold a
/// password, so it is not shown.
fn through(environment: &Environment, url: &str) -> &'static str {
    let has_proxy =
        [names::HTTPS_PROXY, "https_proxy"].into_iter().any(|name| environment.get(name).is_some());
    if has_proxy && url.starts_with("https:") { " (with HTTPS_PROXY set)" } else { "" }
}
