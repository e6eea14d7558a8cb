//! The request's token, checked before it is used.

use std::time::Duration;

use s3_credential_core::{ErrorKind, POD_IDENTITY_AUDIENCE, ProvideContext, STS_AUDIENCE};
use s3_credential_pod_token::{PodTokenSettings, PodTokenSource};
use serde_json::json;

use crate::world::{
    NAMESPACE, ROLE, SERVICE_ACCOUNT, World, context, failure, identity, now, skip, tokens,
};

async fn world() -> (World, PodTokenSource) {
    let world = World::with_role(ROLE).await;
    let source = world.source(PodTokenSettings::default());
    (world, source)
}

fn with_token(token: &str) -> ProvideContext {
    context(&[], &tokens(&[(STS_AUDIENCE, token)]))
}

#[tokio::test]
async fn a_request_without_any_token_is_refused_before_the_api_is_asked() {
    let (world, source) = world().await;
    for none in ["", "{}"] {
        let failure = failure(&source, &context(&[], none)).await;
        assert_eq!(failure.kind(), ErrorKind::MissingToken);
        assert!(failure.help().contains("tokenRequests"), "{}", failure.help());
    }
    assert_eq!(world.gets(), 0);
}

#[tokio::test]
async fn a_role_without_a_token_for_sts_is_a_missing_token() {
    let (world, source) = world().await;
    let context =
        context(&[], &tokens(&[(POD_IDENTITY_AUDIENCE, &world.token(POD_IDENTITY_AUDIENCE))]));
    let failure = failure(&source, &context).await;
    assert_eq!(failure.kind(), ErrorKind::MissingToken);
    assert!(failure.message().contains(STS_AUDIENCE), "{failure}");
}

#[tokio::test]
async fn without_a_role_the_token_for_pod_identity_is_enough_to_go_on() {
    let (world, source) = world().await;
    world.annotate(&[]);
    let context =
        context(&[], &tokens(&[(POD_IDENTITY_AUDIENCE, &world.token(POD_IDENTITY_AUDIENCE))]));
    assert!(skip(&source, &context).await.reason().contains("no annotation"));
}

#[tokio::test]
async fn a_malformed_token_is_reported_without_its_text() {
    let (_world, source) = world().await;
    for token in ["", "   ", "CANARY.CANARY.CANARY", "a b", "CANARY\u{0}"] {
        let failure = failure(&source, &with_token(token)).await;
        assert_eq!(failure.kind(), ErrorKind::MalformedToken, "{token:?}");
        assert!(!format!("{failure:?} {failure}").contains("CANARY"), "{failure:?}");
    }
}

#[tokio::test]
async fn an_expired_token_is_refused_with_an_allowance_for_the_clock() {
    let (world, source) = world().await;
    let issue = |ago: Duration| {
        let made = world.kubernetes.issuer().service_account("apps", "web").audience(STS_AUDIENCE);
        // Without an expiry beside it, so that only `exp` counts.
        json!({STS_AUDIENCE: {"token": made.issued_at(now() - ago).ttl(Duration::from_hours(1)).sign()}}).to_string()
    };
    let hour = Duration::from_hours(1);
    let late = context(&[], &issue(hour + Duration::from_secs(29)));
    identity(&source, &late).await;
    let too_late = context(&[], &issue(hour + Duration::from_secs(30)));
    let failure = failure(&source, &too_late).await;
    assert_eq!(failure.kind(), ErrorKind::ExpiredToken);
    assert!(failure.help().contains("requiresRepublish"), "{}", failure.help());
}

#[tokio::test]
async fn an_opaque_token_counts_by_the_expiry_beside_it() {
    let (world, source) = world().await;
    let opaque = with_token("opaque");
    assert_eq!(identity(&source, &opaque).await.token.secret().expose(), "opaque");
    world.clock.set("2026-11-23T21:00:00Z".parse().unwrap());
    assert_eq!(failure(&source, &opaque).await.kind(), ErrorKind::ExpiredToken);
}

#[tokio::test]
async fn a_token_of_another_audience_under_the_name_of_sts_is_wrong() {
    let (world, source) = world().await;
    let failure = failure(&source, &with_token(&world.token(POD_IDENTITY_AUDIENCE))).await;
    assert_eq!(failure.kind(), ErrorKind::WrongToken);
    assert!(failure.message().contains("audience"), "{failure}");
}

#[tokio::test]
async fn a_token_of_another_service_account_is_wrong() {
    let (world, source) = world().await;
    for (namespace, name) in [("apps", "other"), ("other", "web")] {
        let foreign = world
            .kubernetes
            .issuer()
            .service_account(namespace, name)
            .audience(STS_AUDIENCE)
            .issued_at(now())
            .sign();
        let failure = failure(&source, &with_token(&foreign)).await;
        assert_eq!(failure.kind(), ErrorKind::WrongToken);
        assert!(failure.message().contains("service account"), "{failure}");
    }
}

#[tokio::test]
async fn a_name_that_would_lead_the_call_elsewhere_is_refused() {
    let (world, source) = world().await;
    for (attribute, name) in [
        (NAMESPACE, "apps/secrets"),
        (NAMESPACE, "../kube-system"),
        (SERVICE_ACCOUNT, "web?watch=1"),
        (SERVICE_ACCOUNT, "web/token"),
        (SERVICE_ACCOUNT, ".."),
        (SERVICE_ACCOUNT, "Web"),
        (SERVICE_ACCOUNT, "web\nE0101 forged line"),
    ] {
        let failure = failure(&source, &context(&[(attribute, name)], &world.tokens())).await;
        assert_eq!(failure.kind(), ErrorKind::InvalidRequest, "{name}");
        assert!(!failure.message().contains('\n'));
    }
    assert_eq!(world.kubernetes.calls().total(), 0);
}
