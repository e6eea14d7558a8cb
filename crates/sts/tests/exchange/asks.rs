//! The settings of a request. A wrong one never reaches STS, and no valid one is left out.

use std::time::Duration;

use s3_credential_core::{ErrorKind, ExchangeRequest, Failure, RoleHop, SessionSettings};

use crate::world::{SECOND_ROLE, World, role};

const POLICY: &str = r#"{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;

fn hop() -> RoleHop {
    RoleHop {
        role_arn: role(SECOND_ROLE),
        external_id: Some("tenant-7".to_owned()),
        session_name: None,
        duration: None,
        tags: Vec::new(),
    }
}

async fn refused(
    session: SessionSettings,
    hop: Option<RoleHop>,
    request: ExchangeRequest,
) -> Failure {
    let world = World::start().await;
    let identity = world.identity().with_session(session).with_second_hop(hop);
    let failure = world.exchange(identity, &request).await.unwrap_err();
    assert_eq!(world.emulator.calls().total(), 0, "{failure}");
    assert!(!failure.help().is_empty(), "{failure}");
    assert!(!failure.is_retryable());
    failure
}

#[tokio::test]
async fn two_session_policies_are_refused_rather_than_one_left_out() {
    let session = SessionSettings { policy: Some(POLICY.to_owned()), ..SessionSettings::default() };
    let request = ExchangeRequest {
        policy: Some(POLICY.replace("s3:*", "s3:GetObject")),
        ..ExchangeRequest::default()
    };
    let failure = refused(session, None, request).await;
    assert_eq!(failure.kind(), ErrorKind::Misconfigured);
    assert!(failure.message().contains("session policy"), "{failure}");
}

#[tokio::test]
async fn policy_arns_beside_a_policy_that_narrows_are_refused() {
    let session = SessionSettings {
        policy_arns: vec!["arn:aws:iam::aws:policy/AmazonS3FullAccess".to_owned()],
        ..SessionSettings::default()
    };
    let request = ExchangeRequest { policy: Some(POLICY.to_owned()), ..ExchangeRequest::default() };
    let failure = refused(session, None, request).await;
    assert_eq!(failure.kind(), ErrorKind::Misconfigured);
    assert!(failure.message().contains("policy ARNs"), "{failure}");
}

#[tokio::test]
async fn the_same_policy_from_both_sides_is_one() {
    let world = World::start().await;
    let identity = world.identity().with_session(SessionSettings {
        policy: Some(POLICY.to_owned()),
        ..SessionSettings::default()
    });
    let request = ExchangeRequest { policy: Some(POLICY.to_owned()), ..ExchangeRequest::default() };
    world.exchange(identity, &request).await.unwrap();
    assert_eq!(world.last_session().policy.as_deref(), Some(POLICY));
}

#[tokio::test]
async fn of_two_durations_the_shorter_one_counts() {
    let world = World::start().await;
    for (own, asked, expected) in [
        (Some(Duration::from_hours(2)), None, 120),
        (None, Some(Duration::from_mins(20)), 20),
        (Some(Duration::from_hours(2)), Some(Duration::from_mins(20)), 20),
        (Some(Duration::from_mins(20)), Some(Duration::from_hours(2)), 20),
        (None, None, 60),
    ] {
        let identity = world
            .identity()
            .with_session(SessionSettings { duration: own, ..SessionSettings::default() });
        let request = ExchangeRequest { duration: asked, ..ExchangeRequest::default() };
        world.exchange(identity, &request).await.unwrap();
        assert_eq!(
            world.last_session().duration,
            Duration::from_mins(expected),
            "{own:?} and {asked:?}"
        );
    }
}

#[tokio::test]
async fn a_second_role_is_asked_for_an_hour_at_most() {
    let world = World::start().await;
    let request =
        ExchangeRequest { duration: Some(Duration::from_hours(2)), ..ExchangeRequest::default() };
    let identity = world.identity().with_second_hop(Some(hop()));
    world.exchange(identity, &request).await.unwrap();
    assert_eq!(world.last_session().duration, Duration::from_hours(1));

    let too_long = RoleHop { duration: Some(Duration::from_mins(61)), ..hop() };
    let failure =
        refused(SessionSettings::default(), Some(too_long), ExchangeRequest::default()).await;
    assert_eq!(failure.kind(), ErrorKind::Misconfigured);
    assert!(failure.message().contains("3600"), "{failure}");
}

#[tokio::test]
async fn durations_beyond_the_limits_of_sts_are_refused() {
    for duration in [Some(Duration::from_mins(14)), Some(Duration::from_mins(721))] {
        let session = SessionSettings { duration, ..SessionSettings::default() };
        let failure = refused(session, None, ExchangeRequest::default()).await;
        assert!(failure.message().contains("duration"), "{failure}");
    }
}

#[tokio::test]
async fn names_policies_and_their_arns_keep_to_the_limits_of_sts() {
    let named =
        |name: &str| SessionSettings { name: Some(name.to_owned()), ..SessionSettings::default() };
    let policy = |policy: &str| SessionSettings {
        policy: Some(policy.to_owned()),
        ..SessionSettings::default()
    };
    let arns = |count, arn: &str| SessionSettings {
        policy_arns: vec![arn.to_owned(); count],
        ..SessionSettings::default()
    };
    for (session, field) in [
        (named("a"), "session name"),
        (named(&"a".repeat(65)), "session name"),
        (named("a b"), "session name"),
        (named("line\nbreak"), "session name"),
        (policy(""), "session policy"),
        (policy(&"x".repeat(2049)), "session policy"),
        (arns(11, "arn:aws:iam::aws:policy/One"), "policy ARNs"),
        (arns(1, "AmazonS3ReadOnlyAccess"), "policy ARNs"),
    ] {
        let failure = refused(session, None, ExchangeRequest::default()).await;
        assert!(failure.message().contains(field), "{failure}");
    }
}

#[tokio::test]
async fn external_ids_and_tags_keep_to_the_limits_of_sts() {
    let tags = |count, key: &str| vec![(key.to_owned(), "value".to_owned()); count];
    for (hop, field) in [
        (RoleHop { external_id: Some("x".to_owned()), ..hop() }, "external id"),
        (RoleHop { external_id: Some("a b".to_owned()), ..hop() }, "external id"),
        (RoleHop { session_name: Some("a b".to_owned()), ..hop() }, "session name"),
        (RoleHop { tags: tags(51, "key"), ..hop() }, "tags"),
        (RoleHop { tags: tags(1, ""), ..hop() }, "tags"),
    ] {
        let failure =
            refused(SessionSettings::default(), Some(hop), ExchangeRequest::default()).await;
        assert!(failure.message().contains(field), "{failure}");
    }
}

#[tokio::test]
async fn a_made_up_session_name_is_one_that_sts_takes() {
    let world = World::start().await;
    let long = "a-service-account-with-a-very-long-name-indeed-longer-than-sixty-four";
    for (subject, name) in [
        (serde_json::json!(null), "s3-csi-driver".to_owned()),
        (serde_json::json!("someone else"), "s3-csi-driver".to_owned()),
        (
            serde_json::json!(format!("system:serviceaccount:apps:{long}")),
            format!("s3-csi.apps.{long}")[..64].to_owned(),
        ),
        (serde_json::json!("system:serviceaccount:a b:ü"), "s3-csi.a-b.-".to_owned()),
    ] {
        let token = world.issuer.service_account("apps", "web").claim("sub", subject).sign();
        let failure = world
            .exchange(crate::world::identity(&token), &ExchangeRequest::default())
            .await
            .unwrap_err();
        // The role does not trust them; what was asked for is what counts here.
        assert!(matches!(failure.kind(), ErrorKind::PermissionDenied | ErrorKind::Rejected));
        let asked = world.emulator.requests().pop().unwrap().form();
        assert_eq!(asked["RoleSessionName"], name);
    }
}
