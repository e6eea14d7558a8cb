//! The AWS SDK's providers as plug-ins, and a volume's credentials and region as the SDK's.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "test code: what should not happen stops the test"
)]

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use s3_credential_core::{
    CredentialForm, CredentialSource as _, ErrorKind, MountTarget, RegionResolver as _,
    SourceChain, SourceError,
};
use s3_credential_provider::{ProvideContext, Provider, PublishRequest, SdkRegion, SdkSource};

fn context() -> ProvideContext {
    let request =
        PublishRequest::new("v", "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount");
    ProvideContext::from_publish_request(request, MountTarget::default()).unwrap()
}

#[derive(Debug)]
struct Failing(fn() -> CredentialsError);

impl ProvideCredentials for Failing {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(provider::Result::Err((self.0)()))
    }
}

#[tokio::test]
async fn any_provider_of_the_sdk_is_a_source() {
    let expires_at = std::time::UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    let credentials = Credentials::new(
        "AKIAIOSFODNN7EXAMPLE",
        "secret",
        Some("session".into()),
        Some(expires_at),
        "test",
    );
    let source = SdkSource::new("sso", credentials);
    assert_eq!(source.name(), "sso");
    let CredentialForm::Keys(keys) = source.provide(&context()).await.unwrap() else {
        panic!("no keys")
    };
    assert_eq!(keys.access_key_id.expose(), "AKIAIOSFODNN7EXAMPLE");
    assert_eq!(keys.session_token.unwrap().expose(), "session");
    assert_eq!(keys.expires_at.unwrap().as_second(), 4_000_000_000);
}

#[tokio::test]
async fn what_the_sdk_says_of_its_failures_is_sorted_and_not_repeated() {
    let ask = |error: fn() -> CredentialsError| async move {
        SdkSource::new("sdk", Failing(error)).provide(&context()).await.unwrap_err()
    };
    assert!(ask(|| CredentialsError::not_loaded("CANARY")).await.is_not_applicable());
    for (error, kind) in [
        (ask(|| CredentialsError::provider_timed_out(Duration::ZERO)).await, ErrorKind::TimedOut),
        (ask(|| CredentialsError::invalid_configuration("CANARY")).await, ErrorKind::Misconfigured),
        (ask(|| CredentialsError::provider_error("CANARY")).await, ErrorKind::Unavailable),
    ] {
        assert!(!format!("{error} {error:?}").contains("CANARY"));
        let SourceError::Failed(failure) = error else { panic!("{error:?}") };
        assert_eq!(failure.kind(), kind);
    }
}

#[tokio::test]
async fn a_volumes_keys_and_region_serve_a_client_of_the_sdk() {
    let scratch = tempfile::tempdir().unwrap();
    let chain = SourceChain::first_try(SdkSource::new(
        "own",
        Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret", None, None, "test"),
    ));
    let provider = Provider::builder()
        .environment([("AWS_REGION", "eu-north-1")].into_iter().collect())
        .state_path(scratch.path())
        .driver_chain(chain)
        .build()
        .unwrap();
    let volume = provider.sdk_credentials(&context());
    assert!(volume.keys().current().is_none());
    let credentials = volume.provide_credentials().await.unwrap();
    assert_eq!(credentials.access_key_id(), "AKIAIOSFODNN7EXAMPLE");
    let current = volume.keys().current().unwrap();
    assert_eq!(current.access_key_id.expose(), "AKIAIOSFODNN7EXAMPLE");
    let region =
        aws_config::meta::region::ProvideRegion::region(&provider.sdk_region(&context())).await;
    assert_eq!(region.unwrap().as_ref(), "eu-north-1");

    let none = Provider::builder()
        .environment([("AWS_EC2_METADATA_DISABLED", "true")].into_iter().collect())
        .state_path(scratch.path())
        .driver_chain(SourceChain::default())
        .build()
        .unwrap();
    let error = none.sdk_credentials(&context()).provide_credentials().await.unwrap_err();
    assert!(matches!(error, CredentialsError::CredentialsNotLoaded(_)));
}

#[tokio::test]
async fn any_region_provider_of_the_sdk_is_a_resolver() {
    let resolver = SdkRegion::new("sdk", aws_config::Region::from_static("eu-west-3"));
    assert_eq!(resolver.resolve(&context()).await.unwrap().as_str(), "eu-west-3");
    let zone = SdkRegion::new("sdk", aws_config::Region::from_static("eu-west-3a"));
    assert!(zone.resolve(&context()).await.is_err());
}
