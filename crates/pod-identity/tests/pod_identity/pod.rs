use std::sync::Arc;

use s3_credential_core::{Environment, ErrorKind};
use s3_credential_pod_identity::{PodIdentitySettings, PodIdentitySource};
use s3_credential_testkit::clock::ManualClock;
use s3_credential_testkit::jwt::Issuer;

use crate::fixture::{
    AGENT, AUDIENCE, SECOND, assert_kind, failure, not_applicable, now, pod_volume,
    pod_volume_with, provide, source, token, volume,
};

const AGENT_URI: &str = "EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI";

fn configured() -> PodIdentitySource {
    source(&[(AGENT_URI, AGENT)])
}

fn issuer() -> Issuer {
    Issuer::new("https://oidc.example.test/id/1")
}

#[tokio::test]
async fn the_token_of_the_pod_goes_to_the_agent_of_the_variable() {
    let token = token(&issuer(), "web");
    let container = provide(&configured(), &pod_volume(&token.sign())).await.unwrap();
    assert_eq!(container.uri, AGENT);
    assert_eq!(container.token.unwrap().expires_at(), Some(token.expires_at()));
}

#[tokio::test]
async fn the_configuration_names_the_agent_before_the_variable_does() {
    let uri = "http://[fd00:ec2::23]/v1/credentials";
    let environment: Environment = [(AGENT_URI, AGENT)].into_iter().collect();
    let settings = PodIdentitySettings::default().with_agent_uri(uri);
    let clock = Arc::new(ManualClock::new(now()));
    let source = PodIdentitySource::new(environment, settings, clock);
    let container = provide(&source, &pod_volume("opaque")).await.unwrap();
    assert_eq!(container.uri, uri);
}

#[tokio::test]
async fn without_an_agent_it_does_not_apply_whatever_the_driver_has() {
    let source = source(&[
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", AGENT),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "the-drivers-own"),
    ]);
    let (reason, help) = not_applicable(provide(&source, &pod_volume("opaque")).await.unwrap_err());
    assert!(reason.contains(AGENT_URI), "{reason}");
    assert!(help.contains(AGENT_URI), "{help}");
}

#[tokio::test]
async fn a_missing_token_names_the_audience_to_ask_for() {
    let other = r#"{"sts.amazonaws.com":{"token":"opaque"}}"#;
    for context in [pod_volume_with(other), volume(&[("authenticationSource", "pod")])] {
        let failure = failure(provide(&configured(), &context).await.unwrap_err());
        assert_kind(&failure, ErrorKind::MissingToken);
        assert!(failure.help().contains("tokenRequests"), "{failure:?}");
        assert!(failure.help().contains(AUDIENCE), "{failure:?}");
    }
}

#[tokio::test]
async fn a_token_that_is_not_for_this_is_refused_before_it_goes_anywhere() {
    let issuer = issuer();
    let mine = || token(&issuer, "web");
    let expired = mine().issued_at(now() - 2 * 3600 * SECOND).sign();
    let for_sts =
        issuer.service_account("apps", "web").audience("sts.amazonaws.com").issued_at(now()).sign();
    let of_another = token(&issuer, "api").sign();
    let of_another_namespace =
        issuer.service_account("other", "web").audience(AUDIENCE).issued_at(now()).sign();
    for (token, kind) in [
        (expired, ErrorKind::ExpiredToken),
        (for_sts, ErrorKind::WrongToken),
        (of_another, ErrorKind::WrongToken),
        (of_another_namespace, ErrorKind::WrongToken),
        ("canary.canary.canary".to_owned(), ErrorKind::MalformedToken),
    ] {
        let failure = failure(provide(&configured(), &pod_volume(&token)).await.unwrap_err());
        assert_eq!(failure.kind(), kind, "{failure:?}");
        assert!(failure.message().contains(AUDIENCE), "{failure}");
        assert!(!format!("{failure:?}").contains(&token), "{failure:?}");
    }
}

#[tokio::test]
async fn the_expiry_beside_an_opaque_token_counts() {
    let with_expiry = |at: &str| {
        pod_volume_with(&format!(
            r#"{{"{AUDIENCE}":{{"token":"opaque","expirationTimestamp":"{at}"}}}}"#
        ))
    };
    let past = with_expiry("2026-11-23T19:59:59Z");
    let failure = failure(provide(&configured(), &past).await.unwrap_err());
    assert_kind(&failure, ErrorKind::ExpiredToken);
    provide(&configured(), &with_expiry("2026-11-23T20:10:00Z")).await.unwrap();
}

#[tokio::test]
async fn a_pod_that_is_not_known_is_no_reason_to_refuse_its_token() {
    let token = token(&issuer(), "web").sign();
    let context = volume(&[
        ("authenticationSource", "pod"),
        (
            "csi.storage.k8s.io/serviceAccount.tokens",
            &format!(r#"{{"{AUDIENCE}":{{"token":"{token}"}}}}"#),
        ),
    ]);
    provide(&configured(), &context).await.unwrap();
}
