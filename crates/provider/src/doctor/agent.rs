//! The EKS Pod Identity agent, where its address is known.

use std::collections::BTreeMap;

use futures::future::join_all;
use s3_credential_core::{
    AuthenticationLevel, CredentialForm, SourceChain, SourceError, TOKENS_KEY, names, source_names,
};

use super::check::{Check, CheckStatus, Verdict};
use super::patience::Patience;
use super::volume;
use crate::plugins::Services;
use crate::resolve::Resolver;

const NAME: &str = "pod-identity-agent";

/// An invalid token, so that the source reveals the address to which it would send one. It is never
/// sent.
const TOKENS: &str = r#"{"pods.eks.amazonaws.com":{"token":"not-a-token"}}"#;

pub(super) async fn look(
    patience: &Patience<'_>,
    resolver: &Resolver,
    services: &Services,
) -> Check {
    let look = async {
        // Where the driver has its own credentials from the agent, it must be there; where pods may
        // have theirs, it may.
        let (driver, pod) = tokio::join!(
            address(&resolver.driver, AuthenticationLevel::Driver),
            address(&resolver.pod, AuthenticationLevel::Pod)
        );
        let mut addresses = BTreeMap::new();
        let mut verdicts = Vec::new();
        for (found, status) in [(pod, CheckStatus::Warning), (driver, CheckStatus::Failed)] {
            match found {
                Ok(Some(address)) => {
                    addresses.insert(address, status);
                }
                Ok(None) => {}
                Err(verdict) => verdicts.push(verdict),
            }
        }
        let probes = addresses.iter().map(|(uri, status)| async move {
            match services.agent.probe(names::AWS_CONTAINER_CREDENTIALS_FULL_URI, uri).await {
                Ok(()) => Verdict::ok(format!("an agent answers at {uri}")),
                Err(failure) => Verdict::of(*status, &failure),
            }
        });
        verdicts.extend(join_all(probes).await);
        verdicts
    };
    let (verdicts, took) = patience.wait(look).await;
    let verdict = match verdicts {
        Some(verdicts) => Verdict::worst(verdicts).unwrap_or_else(|| {
            Verdict::skipped(format!(
                "no address of the agent is known: neither {} nor {} is set for the driver",
                names::AWS_CONTAINER_CREDENTIALS_FULL_URI,
                names::EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI
            ))
        }),
        None => Verdict::new(CheckStatus::Failed, Patience::none_in_time(), ""),
    };
    verdict.check(NAME, took)
}

/// Returns the address to which the source of this level would send a token. `None` where it sends
/// none, or is broken at driver level, which the check of the driver's environment reports.
async fn address(
    chain: &SourceChain,
    level: AuthenticationLevel,
) -> Result<Option<String>, Verdict> {
    let Some(source) = chain.source(source_names::POD_IDENTITY) else { return Ok(None) };
    let is_pod = level == AuthenticationLevel::Pod;
    let attributes: &[_] = if is_pod { &[(TOKENS_KEY, TOKENS)] } else { &[] };
    let broken = |failure| Verdict::of(CheckStatus::Failed, &failure);
    let context = volume(level, attributes).map_err(broken)?;
    match source.provide(&context).await {
        Ok(CredentialForm::Container(container)) if container.token.is_some() => {
            Ok(Some(container.uri))
        }
        Err(SourceError::Failed(failure)) if is_pod => Err(broken(failure)),
        _ => Ok(None),
    }
}
