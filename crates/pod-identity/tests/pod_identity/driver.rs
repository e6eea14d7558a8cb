use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use s3_credential_core::{CredentialSource as _, ErrorKind};
use s3_credential_pod_identity::{PodIdentitySettings, PodIdentitySource};
use s3_credential_testkit::clock::ManualClock;
use s3_credential_testkit::jwt::Issuer;
use std::time::Duration;

use crate::fixture::{
    AGENT, SECOND, assert_kind, driver_volume, failure, not_applicable, now, provide, source,
    token, volume,
};

const URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

#[tokio::test]
async fn the_token_file_is_read_trimmed_at_each_call() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let source =
        source(&[(URI, AGENT), (TOKEN_FILE, path.to_str().unwrap()), (TOKEN, "the-variable")]);
    assert_eq!(source.name(), "pod-identity");
    for text in ["first", "second"] {
        fs::write(&path, format!("{text}\n")).unwrap();
        let container = provide(&source, &driver_volume()).await.unwrap();
        assert_eq!(container.uri, AGENT);
        assert_eq!(container.token.unwrap().secret().expose(), text);
    }
}

#[tokio::test]
async fn the_variable_brings_the_token_where_no_file_does() {
    let source = source(&[(URI, AGENT), (TOKEN, "the-variable")]);
    let container = provide(&source, &driver_volume()).await.unwrap();
    assert_eq!(container.token.unwrap().secret().expose(), "the-variable");
}

#[tokio::test]
async fn a_relative_uri_belongs_to_ecs_and_goes_first() {
    let relative = (RELATIVE_URI, "/v2/credentials/0f14");
    let of_ecs = "http://169.254.170.2/v2/credentials/0f14";
    let container = provide(&source(&[relative]), &driver_volume()).await.unwrap();
    assert_eq!(container.uri, of_ecs);
    assert!(container.token.is_none());

    let source = source(&[relative, (URI, AGENT), (TOKEN, "the-variable")]);
    let container = provide(&source, &driver_volume()).await.unwrap();
    assert_eq!(container.uri, of_ecs);
    assert!(container.token.is_some());
}

#[tokio::test]
async fn a_relative_uri_cannot_name_another_host() {
    for relative in ["@192.0.2.1/", ".example.test/", "//", "http://192.0.2.1/"] {
        let result = provide(&source(&[(RELATIVE_URI, relative)]), &driver_volume()).await;
        match result {
            Ok(container) => assert!(container.uri.starts_with("http://169.254.170.2/")),
            Err(error) => {
                let failure = failure(error);
                assert_kind(&failure, ErrorKind::Misconfigured);
                assert!(failure.message().contains(RELATIVE_URI), "{failure}");
            }
        }
    }
}

#[tokio::test]
async fn without_settings_it_does_not_apply() {
    let (reason, help) = not_applicable(provide(&source(&[]), &driver_volume()).await.unwrap_err());
    assert!(reason.contains(URI) && reason.contains(TOKEN_FILE), "{reason}");
    assert!(help.contains("ssociate"), "{help}");
}

#[tokio::test]
async fn the_pod_level_variable_has_no_effect_at_driver_level() {
    let source = source(&[("EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI", AGENT)]);
    not_applicable(provide(&source, &driver_volume()).await.unwrap_err());
}

#[tokio::test]
async fn half_of_it_is_broken_and_names_the_other_half() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, "canary").unwrap();
    let path = path.to_str().unwrap();
    for (there, value, missing) in
        [(URI, AGENT, TOKEN_FILE), (TOKEN_FILE, path, URI), (TOKEN, "canary", URI)]
    {
        let failure =
            failure(provide(&source(&[(there, value)]), &driver_volume()).await.unwrap_err());
        assert_kind(&failure, ErrorKind::Misconfigured);
        assert!(failure.message().contains(there), "{failure}");
        assert!(failure.message().contains(missing), "{failure}");
        assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
    }
}

#[tokio::test]
async fn a_token_file_that_cannot_be_one_is_named_without_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let missing = folder.path().join("missing").to_str().unwrap().to_owned();
    let directory = folder.path().to_str().unwrap().to_owned();
    let dangling = folder.path().join("dangling");
    symlink("nowhere", &dangling).unwrap();
    let dangling = dangling.to_str().unwrap().to_owned();
    let malformed = ErrorKind::MalformedToken;
    for (path, kind) in [
        (missing, ErrorKind::Misconfigured),
        (directory, ErrorKind::Misconfigured),
        (dangling, ErrorKind::Misconfigured),
        (file("empty", b""), malformed),
        (file("blank", b" \n"), malformed),
        (file("two-lines", b"canary\ncanary"), malformed),
        (file("nul", b"canary\0"), malformed),
        (file("binary", b"canary\xff\xfe"), malformed),
        (file("half", b"canary.canary.canary"), malformed),
        (file("huge", &vec![b'c'; 1 << 20]), malformed),
    ] {
        let source = source(&[(URI, AGENT), (TOKEN_FILE, &path)]);
        let failure = failure(provide(&source, &driver_volume()).await.unwrap_err());
        assert_kind(&failure, kind);
        assert!(failure.message().contains(TOKEN_FILE), "{failure}");
        assert!(!format!("{failure:?} {source:?}").contains("canary"), "{failure:?}");
    }
}

#[tokio::test]
async fn an_expired_token_of_the_driver_is_reported() {
    let issuer = Issuer::new("https://oidc.example.test/id/1");
    let expired = token(&issuer, "driver").issued_at(now() - 2 * 3600 * SECOND).sign();
    let source = source(&[(URI, AGENT), (TOKEN, &expired)]);
    let failure = failure(provide(&source, &driver_volume()).await.unwrap_err());
    assert_kind(&failure, ErrorKind::ExpiredToken);
}

#[tokio::test]
async fn a_volume_at_secret_level_gets_no_credentials_of_it() {
    let source = source(&[(URI, AGENT), (TOKEN, "opaque")]);
    let context = volume(&[("authenticationSource", "secret")]);
    not_applicable(provide(&source, &context).await.unwrap_err());
}

#[tokio::test]
async fn a_token_file_that_is_replaced_is_reported_to_subscribers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, "first").unwrap();
    let variables = [(URI, AGENT), (TOKEN_FILE, path.to_str().unwrap())];
    let source = PodIdentitySource::new(
        variables.into_iter().collect(),
        PodIdentitySettings::default().with_poll_interval(Duration::from_millis(100)),
        Arc::new(ManualClock::new(now())),
    );
    let mut changes = source.changes().unwrap();
    let next = folder.path().join("next");
    fs::write(&next, "second").unwrap();
    fs::rename(&next, &path).unwrap();
    changes.changed().await;
    let container = provide(&source, &driver_volume()).await.unwrap();
    assert_eq!(container.token.unwrap().secret().expose(), "second");
}

#[tokio::test]
async fn without_a_token_file_there_is_no_file_to_follow() {
    assert!(source(&[(URI, AGENT), (TOKEN, "opaque")]).changes().is_none());
}
