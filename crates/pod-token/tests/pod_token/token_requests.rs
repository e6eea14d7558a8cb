//! Tokens that the driver asks for itself.

use std::time::Duration;

use s3_credential_core::{ErrorKind, Failure, ProvideContext};
use s3_credential_pod_token::{PodTokenSettings, PodTokenSource};
use s3_credential_testkit::kubernetes::{Failure as Planned, Rule};
use serde_json::Value;

use crate::world::{ANNOTATION, CREATE_TOKEN, ROLE, UID, World, context, failure, identity, now};

async fn world() -> World {
    let world = World::with_role(ROLE).await;
    world.allow(Rule::new(["create"], ["serviceaccounts/token"]));
    world.kubernetes.put_pod("apps", "web-0", "pod-1", "web");
    world
}

fn asking(ttl: Duration) -> PodTokenSettings {
    PodTokenSettings { request_tokens: Some(ttl), ..PodTokenSettings::default() }
}

fn tokenless() -> ProvideContext {
    context(&[], "")
}

async fn token(source: &PodTokenSource) -> String {
    identity(source, &tokenless()).await.token.secret().expose().to_owned()
}

/// The last TokenRequest that was sent.
fn asked_for(world: &World) -> Value {
    let requests = world.kubernetes.requests();
    let last = requests.iter().rev().find(|request| request.path().ends_with("/token")).unwrap();
    serde_json::from_slice(&last.body).unwrap()
}

fn hours(hours: u64) -> Duration {
    Duration::from_hours(hours)
}

#[tokio::test]
async fn a_token_is_bound_to_the_pod_and_made_for_the_audience_and_the_time_asked_for() {
    let world = world().await;
    let source = world.source(asking(hours(2)));
    let identity = identity(&source, &tokenless()).await;
    assert_eq!(identity.role_arn.as_str(), ROLE);
    assert_eq!(identity.token.expires_at(), Some(now() + hours(2)));
    let claims = world
        .kubernetes
        .issuer()
        .verifier()
        .verify(identity.token.secret().expose(), now())
        .unwrap();
    assert_eq!(claims.subject(), "system:serviceaccount:apps:web");
    assert_eq!(claims.audiences(), ["sts.amazonaws.com"]);
    assert_eq!(claims.get("kubernetes.io").unwrap()["pod"]["uid"], "pod-1");
}

#[tokio::test]
async fn the_requests_own_tokens_go_first() {
    let world = world().await;
    let own = world.context();
    let given = identity(&world.source(asking(hours(1))), &own).await;
    assert_eq!(&given.token, own.tokens().get("sts.amazonaws.com").unwrap());
    assert_eq!(world.kubernetes.calls().of(CREATE_TOKEN), 0);
}

#[tokio::test]
async fn annotated_audience_and_expiration_go_before_the_configured_ones() {
    let world = world().await;
    world.annotate(&[
        (ANNOTATION, ROLE),
        ("eks.amazonaws.com/audience", "sts.example.com"),
        ("eks.amazonaws.com/token-expiration", "7200"),
    ]);
    identity(&world.source(asking(hours(1))), &tokenless()).await;
    let spec = asked_for(&world)["spec"].clone();
    assert_eq!(spec["audiences"][0], "sts.example.com");
    assert_eq!(spec["expirationSeconds"], 7200);
}

#[tokio::test]
async fn less_than_the_api_server_takes_is_raised_to_ten_minutes() {
    let world = world().await;
    identity(&world.source(asking(Duration::from_secs(1))), &tokenless()).await;
    assert_eq!(asked_for(&world)["spec"]["expirationSeconds"], 600);
}

#[tokio::test]
async fn an_expiration_that_is_none_is_refused_by_its_annotation() {
    let world = world().await;
    world.annotate(&[(ANNOTATION, ROLE), ("eks.amazonaws.com/token-expiration", "1h")]);
    let failure = failure(&world.source(asking(hours(1))), &tokenless()).await;
    assert_eq!(failure.kind(), ErrorKind::InvalidRequest);
    assert!(failure.message().contains("token-expiration"), "{failure}");
}

#[tokio::test]
async fn a_token_serves_for_four_fifths_of_its_life() {
    let world = world().await;
    let source = world.source(asking(hours(1)));
    let first = token(&source).await;
    world.clock.advance(Duration::from_mins(48) - Duration::from_secs(1));
    assert_eq!(token(&source).await, first);
    world.clock.advance(Duration::from_secs(1));
    assert_ne!(token(&source).await, first);
    assert_eq!(world.kubernetes.calls().of(CREATE_TOKEN), 2);
}

#[tokio::test]
async fn each_pod_has_a_token_of_its_own() {
    let world = world().await;
    world.kubernetes.put_pod("apps", "web-1", "pod-2", "web");
    let source = world.source(asking(hours(1)));
    let first = token(&source).await;
    let other = context(&[(UID, "pod-2"), ("csi.storage.k8s.io/pod.name", "web-1")], "");
    assert_ne!(identity(&source, &other).await.token.secret().expose(), first);
    assert_eq!(world.kubernetes.calls().of(CREATE_TOKEN), 2);
}

#[tokio::test]
async fn while_no_new_token_can_be_had_the_old_one_serves_to_its_end() {
    let world = world().await;
    let source = world.source(asking(hours(1)));
    let first = token(&source).await;
    world.kubernetes.faults().always(CREATE_TOKEN, Planned::ServiceUnavailable);
    world.clock.advance(Duration::from_mins(59));
    assert_eq!(token(&source).await, first);
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(failure(&source, &tokenless()).await.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_pod_that_is_gone_or_another_one_gets_no_token() {
    async fn refused(world: &World, kind: ErrorKind) -> Failure {
        let failure = failure(&world.source(asking(hours(1))), &tokenless()).await;
        assert_eq!(failure.kind(), kind, "{failure}");
        assert!(failure.message().contains("the pod apps/web-0"), "{failure}");
        failure
    }
    let world = world().await;
    world.kubernetes.put_pod("apps", "web-0", "its-successor", "web");
    refused(&world, ErrorKind::InvalidRequest).await;
    world.kubernetes.delete_pod("apps", "web-0");
    refused(&world, ErrorKind::NotFound).await;
}

#[tokio::test]
async fn a_missing_permission_names_the_rule_to_add() {
    let world = World::with_role(ROLE).await;
    world.kubernetes.put_pod("apps", "web-0", "pod-1", "web");
    let failure = failure(&world.source(asking(hours(1))), &tokenless()).await;
    assert_eq!(failure.kind(), ErrorKind::PermissionDenied);
    assert!(failure.help().contains("`create` on `serviceaccounts/token`"), "{}", failure.help());
}

#[tokio::test]
async fn a_pod_that_the_request_does_not_name_cannot_be_bound_to() {
    let world = world().await;
    let unnamed = context(&[("csi.storage.k8s.io/pod.name", "")], "");
    let failure = failure(&world.source(asking(hours(1))), &unnamed).await;
    assert_eq!(failure.kind(), ErrorKind::MissingPodInfo);
    assert!(failure.help().contains("podInfoOnMount"));
}

#[tokio::test]
async fn without_an_api_to_ask_a_request_without_tokens_stays_an_error() {
    let world = world().await;
    let failure = failure(&world.source_alone(asking(hours(1))), &tokenless()).await;
    assert_eq!(failure.kind(), ErrorKind::MissingToken);
}
