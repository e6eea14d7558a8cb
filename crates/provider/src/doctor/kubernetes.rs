//! The Kubernetes API, and what the driver may do there.

use std::error::Error;
use std::time::Duration;

use futures::future::{join, join_all};
use http::header::DATE;
use http::{Request, Response, StatusCode, Uri};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::client::Body;
use kube::{Api, Client};
use s3_credential_core::{AuthenticationLevel, Permission, quietly};

use super::check::{Check, CheckStatus, Verdict};
use super::clock::Offset;
use super::patience::Patience;
use super::roles;
use crate::plugins::Services;
use crate::resolve::Resolver;

const NAME: &str = "kubernetes";

/// Permissions that only a configuration requires, and why a driver without it should not have
/// them.
const ON_DEMAND: [(&str, &str, &str); 2] = [
    ("create", "serviceaccounts/token", "not needed: no source asks for tokens (`requestTokens`)"),
    ("get", "nodes", "not needed: the resolver `node-label` is not in the region chain"),
];

#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) checks: Vec<Check>,
    pub(super) roles: Option<String>,
    pub(super) time: Option<Offset>,
}

pub(super) async fn look(
    patience: &Patience<'_>,
    resolver: &Resolver,
    services: &Services,
) -> Cluster {
    let permissions = needed(resolver);
    let client = match services.context.kubernetes() {
        Ok(Some(client)) => client,
        Ok(None) => {
            let reason = "no Kubernetes API is configured: neither KUBECONFIG nor KUBERNETES_SERVICE_HOST is set for the driver";
            return Cluster::without(Verdict::skipped(reason), Duration::ZERO, &permissions);
        }
        Err(failure) => {
            let verdict = Verdict::of(CheckStatus::Failed, &failure);
            return Cluster::without(verdict, Duration::ZERO, &permissions);
        }
    };
    let ask = async {
        let answer = quietly(client.send(version())).await;
        (answer, patience.clock.now())
    };
    let (answer, took) = patience.wait(ask).await;
    let (answer, now) = match answer {
        Some((Ok(answer), now)) => (answer, now),
        Some((Err(error), _)) => return Cluster::without(unreachable(&error), took, &permissions),
        None => {
            let verdict = Verdict::new(CheckStatus::Failed, Patience::none_in_time(), REACH);
            return Cluster::without(verdict, took, &permissions);
        }
    };
    let time = time(&answer).map(|at| Offset::new("the Kubernetes API", at, now));
    let verdict = reached(answer.status());
    if answer.status() == StatusCode::UNAUTHORIZED {
        return Cluster { time, ..Cluster::without(verdict, took, &permissions) };
    }
    let reviews =
        join_all(permissions.iter().map(|permission| review(patience, &client, permission)));
    let (user, reviews) = join(user(patience, &client), reviews).await;
    let is_missing = reviews.iter().any(|(allowed, _)| *allowed == Some(false));
    let mut checks = vec![verdict.check(NAME, took)];
    checks.extend(reviews.into_iter().map(|(_, check)| check));
    checks.extend(not_needed(&permissions));
    let roles = is_missing.then(|| roles::yaml(&permissions, user.as_deref()));
    Cluster { checks, roles, time }
}

impl Cluster {
    /// An API that cannot be asked for permissions.
    fn without(verdict: Verdict, took: Duration, permissions: &[Permission]) -> Self {
        let mut checks = vec![verdict.check(NAME, took)];
        checks.extend(permissions.iter().map(|permission| {
            Verdict::skipped("there is no Kubernetes API to ask")
                .check(name(permission), Duration::ZERO)
        }));
        checks.extend(not_needed(permissions));
        Self { checks, roles: None, time: None }
    }
}

/// Returns each permission once, even if several plug-ins need it. One that any plug-in requires is
/// not optional.
fn needed(resolver: &Resolver) -> Vec<Permission> {
    let sources = AuthenticationLevel::ALL
        .into_iter()
        .flat_map(|level| resolver.chain(level).sources())
        .flat_map(|source| source.permissions());
    let resolvers = resolver.region.resolvers().flat_map(|resolver| resolver.permissions());
    let mut needed: Vec<Permission> = Vec::new();
    for permission in sources.chain(resolvers) {
        match needed.iter_mut().find(|known| known.to_string() == permission.to_string()) {
            Some(known) => known.optional &= permission.optional,
            None => needed.push(permission),
        }
    }
    needed
}

fn not_needed(needed: &[Permission]) -> Vec<Check> {
    ON_DEMAND
        .into_iter()
        .map(|(verb, resource, reason)| (Permission::new(verb, resource, ""), reason))
        .filter(|(permission, _)| needed.iter().all(|known| name(known) != name(permission)))
        .map(|(permission, reason)| {
            Verdict::skipped(reason).check(name(&permission), Duration::ZERO)
        })
        .collect()
}

fn name(permission: &Permission) -> String {
    format!("rbac {permission}")
}

/// Every authenticated caller may ask for it.
fn version() -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = Uri::from_static("/version");
    request
}

fn time(answer: &Response<Body>) -> Option<Timestamp> {
    let date = answer.headers().get(DATE)?.to_str().ok()?;
    rfc2822::parse(date).ok().map(|date| date.timestamp())
}

fn reached(status: StatusCode) -> Verdict {
    match status {
        // A server that hides its version from this user has answered all the same.
        StatusCode::OK | StatusCode::FORBIDDEN => Verdict::ok("the API server answers"),
        StatusCode::UNAUTHORIZED => Verdict::new(
            CheckStatus::Failed,
            "the API server does not know the driver: it refuses its credentials",
            "check the driver's service-account token, or the user in KUBECONFIG",
        ),
        status => Verdict::new(
            CheckStatus::Failed,
            format!("the API server answers with HTTP {}", status.as_u16()),
            REACH,
        ),
    }
}

fn unreachable(error: &kube::Error) -> Verdict {
    let links =
        std::iter::successors(Some(error as &(dyn Error + 'static)), |&error| error.source());
    // A certificate's error is hidden within one of TLS within one of input and output.
    let is_untrusted = links.map(ToString::to_string).any(|text| text.contains("certificate"));
    if is_untrusted {
        Verdict::new(
            CheckStatus::Failed,
            "the API server shows a certificate that is not trusted",
            "check the certificate authority in KUBECONFIG, or the one of the driver's service account",
        )
    } else {
        Verdict::new(CheckStatus::Failed, "the API server cannot be reached", REACH)
    }
}

/// Reviews one permission: whether it is granted, where that is known, and the verdict.
async fn review(
    patience: &Patience<'_>,
    client: &Client,
    permission: &Permission,
) -> (Option<bool>, Check) {
    let (resource, subresource) = match permission.resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource)),
        None => (&*permission.resource, None),
    };
    let attributes = ResourceAttributes {
        verb: Some(permission.verb.clone().into_owned()),
        group: Some(permission.group.clone().into_owned()),
        resource: Some(resource.to_owned()),
        subresource: subresource.map(str::to_owned),
        namespace: permission.namespace.clone(),
        name: permission.name.clone(),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec {
        resource_attributes: Some(attributes),
        ..SelfSubjectAccessReviewSpec::default()
    };
    let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let options = PostParams::default();
    let (answer, took) = patience.wait(quietly(reviews.create(&options, &review))).await;
    let allowed = match answer {
        Some(Ok(review)) => review.status.map(|status| status.allowed),
        _ => None,
    };
    let verdict = match allowed {
        Some(true) => Verdict::ok(format!("granted: {}", permission.purpose)),
        Some(false) => {
            let status =
                if permission.optional { CheckStatus::Warning } else { CheckStatus::Failed };
            let reason = format!("not granted to the driver: {}", permission.purpose);
            Verdict::new(status, reason, "apply the roles that are printed with this diagnosis")
        }
        None => Verdict::new(
            CheckStatus::Warning,
            "the API server does not show whether this is granted",
            "see `kubectl auth can-i` for the driver's service account",
        ),
    };
    (allowed, verdict.check(name(permission), took))
}

/// Returns the driver's user name at the API server; `None` for a server before 1.28.
async fn user(patience: &Patience<'_>, client: &Client) -> Option<String> {
    let reviews: Api<SelfSubjectReview> = Api::all(client.clone());
    let (options, review) = (PostParams::default(), SelfSubjectReview::default());
    let (answer, _) = patience.wait(quietly(reviews.create(&options, &review))).await;
    answer?.ok()?.status?.user_info?.username
}

const REACH: &str = "check that the API server can be reached from the driver's pod: KUBERNETES_SERVICE_HOST or KUBECONFIG, network policies";
