//! What the Kubernetes API refuses, and how it fails.

use std::time::Duration;

use s3_credential_core::ErrorKind;
use s3_credential_pod_token::PodTokenSettings;
use s3_credential_testkit::kubernetes::Failure as Planned;
use s3_credential_testkit::server::Fault;

use crate::world::{GET, ROLE, SERVICE_ACCOUNT, World, context, failure};

#[tokio::test]
async fn a_service_account_that_is_not_there_is_not_found() {
    let world = World::start().await;
    let token = world
        .kubernetes
        .issuer()
        .service_account("apps", "gone")
        .audience("sts.amazonaws.com")
        .sign();
    let context = context(
        &[(SERVICE_ACCOUNT, "gone")],
        &crate::world::tokens(&[("sts.amazonaws.com", &token)]),
    );
    let failure = failure(&world.source(PodTokenSettings::default()), &context).await;
    assert_eq!(failure.kind(), ErrorKind::NotFound);
    assert_eq!(failure.message(), "the ServiceAccount apps/gone does not exist");
    assert!(!failure.is_retryable());
}

#[tokio::test]
async fn a_missing_permission_names_the_rule_to_add() {
    let world = World::with_role(ROLE).await;
    world.forbid_all();
    let failure = failure(&world.source(PodTokenSettings::default()), &world.context()).await;
    assert_eq!(failure.kind(), ErrorKind::PermissionDenied);
    assert!(
        failure.help().contains("`get` on `serviceaccounts` in the namespace apps"),
        "{}",
        failure.help()
    );
    assert!(!failure.is_retryable());
}

#[tokio::test]
async fn an_api_that_fails_is_unavailable_and_worth_another_try() {
    let garbled = Fault::status(
        200,
        r#"{"metadata": {"annotations": {"eks.amazonaws.com/role-arn": "CANARY"#,
    );
    for (fault, kind) in [
        (Planned::InternalError.into(), ErrorKind::Unavailable),
        (Planned::ServiceUnavailable.into(), ErrorKind::Unavailable),
        (Planned::TooManyRequests.into(), ErrorKind::Throttled),
        (Fault::status(502, "<html>CANARY</html>"), ErrorKind::Unavailable),
        (garbled, ErrorKind::Unavailable),
        (Fault::half_answer(), ErrorKind::Unavailable),
        (Fault::reset(), ErrorKind::Unavailable),
    ] {
        let world = World::with_role(ROLE).await;
        world.kubernetes.faults().always(GET, fault);
        let failure = failure(&world.source(PodTokenSettings::default()), &world.context()).await;
        assert_eq!(failure.kind(), kind, "{failure}");
        assert!(failure.is_retryable());
        assert!(failure.message().contains("apps/web"), "{failure}");
        assert!(!format!("{failure:?}").contains("CANARY"), "{failure:?}");
    }
}

#[tokio::test]
async fn an_api_that_hangs_is_given_up() {
    let world = World::with_role(ROLE).await;
    world.kubernetes.faults().always(GET, Fault::hang());
    let settings = PodTokenSettings {
        operation_timeout: Duration::from_millis(20),
        ..PodTokenSettings::default()
    };
    let failure = failure(&world.source(settings), &world.context()).await;
    assert_eq!(failure.kind(), ErrorKind::Unavailable);
    assert!(failure.message().contains("in time"), "{failure}");
}

#[tokio::test]
async fn an_api_that_is_not_there_is_unavailable() {
    let world = World::with_role(ROLE).await;
    world.kubernetes.stop().await;
    let failure = failure(&world.source(PodTokenSettings::default()), &world.context()).await;
    assert_eq!(failure.kind(), ErrorKind::Unavailable);
    assert!(failure.help().contains("KUBECONFIG"), "{}", failure.help());
}

#[tokio::test]
async fn credentials_of_the_driver_that_the_api_does_not_know_are_rejected() {
    let world = World::with_role(ROLE).await;
    world.kubernetes.faults().always(GET, Planned::Unauthorized);
    let failure = failure(&world.source(PodTokenSettings::default()), &world.context()).await;
    assert_eq!(failure.kind(), ErrorKind::Rejected);
}
