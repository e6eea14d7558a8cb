//! Reqsign's providers as sources, and a volume's keys as its provider.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "test code: what should not happen stops the test"
)]

use reqsign_aws_v4::Credential;
use reqsign_core::{Context, Error, ErrorKind as ReqsignKind, ProvideCredential};
use s3_credential_core::{
    CredentialForm, CredentialSource as _, ErrorKind, Failure, FormKind, Keys, MountTarget,
    ProvideContext, PublishRequest,
};
use s3_credential_reqsign::{CachedKeys, ReqsignSource, VolumeCredentialProvider};
use s3_credential_testkit::conformance::SourceConformance;
use tokio::runtime::Handle;

const CANARY: &str = "canary/wJalrXUtnFEMI";

fn context() -> ProvideContext {
    let request =
        PublishRequest::new("v", "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount");
    ProvideContext::from_publish_request(request, MountTarget::default()).unwrap()
}

/// A provider that returns what the function makes.
#[derive(Debug)]
struct Scripted(fn() -> reqsign_core::Result<Option<Credential>>);

impl ProvideCredential for Scripted {
    type Credential = Credential;

    async fn provide_credential(&self, _: &Context) -> reqsign_core::Result<Option<Credential>> {
        (self.0)()
    }
}

fn good() -> Credential {
    Credential {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret_access_key: CANARY.to_owned(),
        session_token: Some(format!("{CANARY}/token")),
        expires_in: Some(reqsign_core::time::Timestamp::from_second(4_000_000_000).unwrap()),
    }
}

fn source(answer: fn() -> reqsign_core::Result<Option<Credential>>) -> ReqsignSource {
    ReqsignSource::new("vault", Context::new(), Scripted(answer))
}

#[tokio::test]
async fn a_provider_of_reqsign_is_a_conforming_source() {
    SourceConformance::of(source(|| Ok(Some(good()))))
        .canary(CANARY)
        .provides(context(), FormKind::Keys)
        .check()
        .await;
    SourceConformance::of(source(|| Ok(None))).does_not_apply(context()).check().await;
    SourceConformance::of(source(|| Err(Error::unexpected(CANARY))))
        .canary(CANARY)
        .fails(context(), ErrorKind::Unavailable)
        .check()
        .await;
}

#[tokio::test]
async fn the_expiry_passes_both_ways() {
    let CredentialForm::Keys(keys) = source(|| Ok(Some(good()))).provide(&context()).await.unwrap()
    else {
        panic!("another form")
    };
    assert_eq!(keys.expires_at.unwrap().as_second(), 4_000_000_000);

    let volume = VolumeCredentialProvider::new(
        CachedKeys::builder(move || {
            let keys = keys.clone();
            async { Ok(keys) }
        })
        .build(Handle::current()),
    );
    assert!(volume.current().is_none());
    let credential = volume.provide_credential(&Context::new()).await.unwrap().unwrap();
    assert_eq!(credential.expires_in, good().expires_in);
    assert_eq!(volume.current().unwrap().session_token, credential.session_token);
}

#[tokio::test]
async fn a_failure_is_an_error_and_never_no_credentials() {
    for (kind, expected, retryable) in [
        (ErrorKind::PermissionDenied, ReqsignKind::PermissionDenied, false),
        (ErrorKind::Misconfigured, ReqsignKind::ConfigInvalid, false),
        (ErrorKind::Unavailable, ReqsignKind::Unexpected, true),
    ] {
        let keys = CachedKeys::builder(move || async move {
            Err::<Keys, _>(Failure::new(kind, "STS refuses"))
        });
        let volume = VolumeCredentialProvider::new(keys.build(Handle::current()));
        let error = volume.provide_credential(&Context::new()).await.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (expected, retryable), "{kind:?}");
        assert!(error.to_string().contains("STS refuses"));
    }
}
