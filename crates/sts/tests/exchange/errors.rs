//! Every error that STS documents, and every way in which an answer fails to come.

use std::time::Duration;

use s3_credential_core::{ErrorKind, ExchangeRequest, STS_AUDIENCE};
use s3_credential_testkit::server::Fault;
use s3_credential_testkit::sts::StsError;

use crate::world::{OPERATION, ROLE, World, identity};

/// Each with its kind, the number of calls to STS before it is returned, and a word of the help.
#[tokio::test]
async fn every_error_has_its_kind_its_attempts_and_its_help() {
    use ErrorKind::{
        ExpiredToken, InvalidRequest, Misconfigured, PermissionDenied, Rejected, Throttled,
        Unavailable,
    };
    let verification_key = StsError::invalid_identity_token(
        "Couldn't retrieve verification key from your identity provider",
    );
    let cases: Vec<(Fault, ErrorKind, usize, &str)> = vec![
        (StsError::expired_token().into(), ExpiredToken, 1, "requiresRepublish"),
        (verification_key.into(), Rejected, 4, "OIDC provider"),
        (StsError::idp_communication().into(), Unavailable, 4, "issuer"),
        (StsError::idp_rejected_claim().into(), Rejected, 1, "new token"),
        (StsError::access_denied("Not authorized").into(), PermissionDenied, 1, "trust policy"),
        (StsError::malformed_policy("Syntax errors").into(), InvalidRequest, 1, "policy"),
        (StsError::packed_policy_too_large(114).into(), InvalidRequest, 1, "shorten"),
        (StsError::region_disabled().into(), PermissionDenied, 1, "stsRegion"),
        (StsError::throttling().into(), Throttled, 4, "stsRegion"),
        (StsError::validation("DurationSeconds").into(), InvalidRequest, 1, "duration"),
        (StsError::internal_failure().into(), Unavailable, 4, "interface endpoint"),
        (StsError::service_unavailable().into(), Unavailable, 4, "interface endpoint"),
        (Fault::status(429, ""), Throttled, 4, "stsRegion"),
        (Fault::status(502, "<html>bad gateway</html>"), Unavailable, 4, "HTTPS_PROXY"),
        (Fault::status(404, "<html>not here</html>"), Misconfigured, 1, "AWS_ENDPOINT_URL_STS"),
        (Fault::status(302, ""), Misconfigured, 1, "AWS_ENDPOINT_URL_STS"),
        (Fault::status(200, ""), Unavailable, 4, "interface endpoint"),
        (Fault::garbage(), Unavailable, 4, "interface endpoint"),
        (Fault::half_answer(), Unavailable, 4, "interface endpoint"),
        (Fault::reset(), Unavailable, 4, "interface endpoint"),
    ];
    for (fault, kind, attempts, help) in cases {
        let world = World::start().await;
        let name = format!("{fault:?} as {kind}");
        world.always(fault);
        let failure =
            world.exchange(world.identity(), &ExchangeRequest::default()).await.unwrap_err();
        assert_eq!(failure.kind(), kind, "{name}: {failure}");
        assert_eq!(failure.is_retryable(), kind.is_retryable(), "{name}");
        assert_eq!(world.calls(), attempts, "{name}: {failure}");
        assert!(failure.help().contains(help), "{name}: {}", failure.help());
    }
}

/// Stores answer as S3 does: the root of the document is `Error`.
#[tokio::test]
async fn an_error_document_of_s3_is_the_same_error_as_that_of_sts() {
    for (status, code, kind, attempts) in [
        (403, "AccessDenied", ErrorKind::PermissionDenied, 1),
        (400, "ExpiredToken", ErrorKind::ExpiredToken, 1),
        (400, "ExpiredTokenException", ErrorKind::ExpiredToken, 1),
        (400, "InvalidIdentityToken", ErrorKind::Rejected, 4),
        (400, "IDPCommunicationError", ErrorKind::Unavailable, 4),
        (403, "IDPRejectedClaim", ErrorKind::Rejected, 1),
        (400, "MalformedPolicyDocument", ErrorKind::InvalidRequest, 1),
        (400, "PackedPolicyTooLarge", ErrorKind::InvalidRequest, 1),
        (400, "Throttling", ErrorKind::Throttled, 4),
        (503, "SlowDown", ErrorKind::Throttled, 4),
        (500, "InternalError", ErrorKind::Unavailable, 4),
        (400, "ValidationError", ErrorKind::InvalidRequest, 1),
    ] {
        let mut answers = Vec::new();
        for document in [
            format!("<Error><Code>{code}</Code><Message>hunter2</Message></Error>"),
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>hunter2</Message></Error></ErrorResponse>"
            ),
        ] {
            let world = World::start().await;
            world.always(Fault::status(status, document));
            let failure =
                world.exchange(world.identity(), &ExchangeRequest::default()).await.unwrap_err();
            assert_eq!((failure.kind(), world.calls()), (kind, attempts), "{code}: {failure}");
            assert!(!format!("{failure:?}").contains("hunter2"), "{failure:?}");
            answers.push((failure.kind(), failure.code(), world.calls()));
        }
        assert_eq!(answers[0], answers[1], "{code}");
    }
}

/// Codes that AWS's STS does not have, or means otherwise.
#[tokio::test]
async fn codes_of_other_stores_have_their_own_advice() {
    for (status, code, kind, help) in [
        (404, "NoSuchEntity", ErrorKind::NotFound, "create the role"),
        (404, "NoSuchBucket", ErrorKind::Misconfigured, "AWS_ENDPOINT_URL_STS"),
        (405, "MethodNotAllowed", ErrorKind::Misconfigured, "OpenID"),
        (501, "NotImplemented", ErrorKind::Misconfigured, "OpenID"),
        (403, "InvalidClientTokenId", ErrorKind::Rejected, "audience"),
        (400, "InvalidParameterValue", ErrorKind::InvalidRequest, "in the store"),
    ] {
        let world = World::start().await;
        world.always(Fault::status(status, format!("<Error><Code>{code}</Code></Error>")));
        let failure =
            world.exchange(world.identity(), &ExchangeRequest::default()).await.unwrap_err();
        assert_eq!((failure.kind(), world.calls()), (kind, 1), "{code}: {failure}");
        assert!(failure.help().contains(help), "{code}: {}", failure.help());
    }
}

#[tokio::test]
async fn what_passes_is_asked_again_until_it_has_passed() {
    for fault in [
        StsError::throttling().into(),
        StsError::idp_communication().into(),
        StsError::invalid_identity_token("Couldn't retrieve verification key").into(),
        StsError::internal_failure().into(),
        Fault::reset(),
        Fault::half_answer(),
    ] {
        let world = World::start().await;
        world.emulator.faults().times(OPERATION, 3, fault);
        let keys = world.exchange(world.identity(), &ExchangeRequest::default()).await.unwrap();
        assert_eq!(keys.access_key_id.expose(), world.last_issued().access_key_id);
        assert_eq!(world.calls(), 4);
    }
}

#[tokio::test]
async fn of_an_answer_that_goes_on_and_on_little_is_read() {
    let world = World::start().await;
    let padding = format!("<!-- {} -->", " ".repeat(300 << 10));
    world.always(Fault::rewrite(move |body| format!("{padding}{body}")));
    let failure = world.exchange(world.identity(), &ExchangeRequest::default()).await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Unavailable, "{failure}");
}

#[tokio::test]
async fn an_sts_that_hangs_is_given_up_attempt_by_attempt() {
    let mut world = World::start().await;
    world.settings.attempt_timeout = Duration::from_millis(250);
    world.always(Fault::hang());
    let failure = world.exchange(world.identity(), &ExchangeRequest::default()).await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Unavailable);
    assert!(failure.is_retryable());
    assert!(failure.message().contains("in time"), "{failure}");
    assert_eq!(world.calls(), 4);
}

#[tokio::test]
async fn the_budget_ends_all_attempts() {
    let mut world = World::start().await;
    // An attempt alone would take 20 seconds.
    world.settings.operation_timeout = Duration::from_millis(500);
    world.always(Fault::hang());
    let request = ExchangeRequest::default();
    let exchange = world.exchange(world.identity(), &request);
    let failure = tokio::time::timeout(Duration::from_secs(10), exchange)
        .await
        .expect("the budget is far below this")
        .unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Unavailable);
    assert_eq!(world.calls(), 1);
}

#[tokio::test]
async fn no_attempt_begins_beyond_the_budget_and_the_last_answer_is_returned() {
    let mut world = World::start().await;
    // The pause after the first attempt would be longer than what is left.
    world.settings.initial_backoff = Duration::from_hours(1);
    world.always(StsError::throttling());
    let failure = world.exchange(world.identity(), &ExchangeRequest::default()).await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Throttled);
    assert_eq!(world.calls(), 1);
}

#[tokio::test]
async fn an_answer_is_returned_though_the_budget_cuts_the_next_attempt_short() {
    let mut world = World::start().await;
    world.settings.operation_timeout = Duration::from_millis(500);
    world.settings.initial_backoff = Duration::from_millis(1);
    world.emulator.faults().once(OPERATION, StsError::idp_communication());
    world.always(Fault::hang());
    let failure = world.exchange(world.identity(), &ExchangeRequest::default()).await.unwrap_err();
    assert!(failure.message().contains("issuer"), "{failure}");
    assert_eq!(world.calls(), 2);
}

#[tokio::test]
async fn an_sts_that_is_not_there_is_unavailable() {
    let world = World::start().await;
    world.emulator.stop().await;
    let failure = world.exchange(world.identity(), &ExchangeRequest::default()).await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Unavailable);
    assert!(failure.message().contains("cannot be reached"), "{failure}");
    assert!(failure.message().contains(&world.emulator.url()), "{failure}");
}

#[tokio::test]
async fn a_denied_role_names_the_subject_to_trust() {
    let world = World::start().await;
    let stranger = world.issuer.service_account("other", "stranger").audience(STS_AUDIENCE).sign();
    let failure =
        world.exchange(identity(&stranger), &ExchangeRequest::default()).await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::PermissionDenied);
    assert!(failure.message().contains(ROLE), "{failure}");
    assert!(
        failure.help().contains("the subject system:serviceaccount:other:stranger"),
        "{}",
        failure.help()
    );
}

#[tokio::test]
async fn a_subject_that_is_none_of_kubernetes_is_not_repeated() {
    let world = World::start().await;
    for subject in ["system:serviceaccount:apps:we\nb", "CANARY"] {
        let token = world
            .issuer
            .service_account("apps", "web")
            .audience(STS_AUDIENCE)
            .claim("sub", subject)
            .sign();
        let failure =
            world.exchange(identity(&token), &ExchangeRequest::default()).await.unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::PermissionDenied);
        assert!(!failure.help().contains("subject"), "{}", failure.help());
    }
}

#[tokio::test]
async fn a_token_that_sts_finds_expired_is_expired() {
    let world = World::start().await;
    let expired = world
        .issuer
        .service_account("apps", "web")
        .audience(STS_AUDIENCE)
        .issued_at("2026-01-01T00:00:00Z".parse().unwrap())
        .sign();
    let failure =
        world.exchange(identity(&expired), &ExchangeRequest::default()).await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::ExpiredToken);
}
