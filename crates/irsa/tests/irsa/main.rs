//! The source `irsa` on real files, through its public API.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test fail as tests do")]

mod identity;
mod rotation;
mod session;
mod token_file;

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use s3_credential_core::{
    CredentialForm, CredentialSource as _, Environment, ErrorKind, Failure, MountTarget,
    ProvideContext, PublishRequest, SourceError, WebIdentity,
};
use s3_credential_irsa::{IrsaSettings, IrsaSource};
use s3_credential_testkit::clock::ManualClock;
use s3_credential_testkit::jwt::Issuer;

const NOW: &str = "2026-11-23T20:00:00Z";
const ROLE: &str = "arn:aws:iam::111122223333:role/driver";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// A token of the driver's service account, made now and valid for an hour.
fn jwt() -> String {
    Issuer::new("https://oidc.example.test/id/1")
        .service_account("kube-system", "s3-csi-driver-sa")
        .audience("sts.amazonaws.com")
        .issued_at(now())
        .sign()
}

/// A folder with a token file in it, and the driver's environment that names it.
struct Driver {
    folder: tempfile::TempDir,
    environment: Environment,
    clock: ManualClock,
}

impl Driver {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let environment = Environment::default()
            .with("AWS_WEB_IDENTITY_TOKEN_FILE", folder.path().join("token").to_str().unwrap())
            .with("AWS_ROLE_ARN", ROLE);
        Self { folder, environment, clock: ManualClock::new(now()) }
    }

    fn with_token(token: &str) -> Self {
        let driver = Self::new();
        fs::write(driver.token_file(), token).unwrap();
        driver
    }

    fn token_file(&self) -> PathBuf {
        self.path().join("token")
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn source(&self, settings: IrsaSettings) -> IrsaSource {
        IrsaSource::new(self.environment.clone(), self.clock.clone(), settings).unwrap()
    }

    async fn identity(&self) -> WebIdentity {
        provided(&self.source(IrsaSettings::default()), &at_level("driver")).await
    }

    async fn failure(&self) -> Failure {
        failed(&self.source(IrsaSettings::default())).await
    }
}

fn at_level(level: &str) -> ProvideContext {
    let request = PublishRequest::new("v", "/pods/4a5d/volumes/x/y/mount")
        .with_volume_context([("authenticationSource", level)]);
    ProvideContext::from_publish_request(request, MountTarget::new("/write")).unwrap()
}

async fn provided(source: &IrsaSource, context: &ProvideContext) -> WebIdentity {
    match source.provide(context).await.unwrap() {
        CredentialForm::WebIdentity(identity) => *identity,
        other => panic!("not a web identity: {other:?}"),
    }
}

async fn failed(source: &IrsaSource) -> Failure {
    match source.provide(&at_level("driver")).await.unwrap_err() {
        SourceError::Failed(failure) => failure,
        other => panic!("the chain would go on: {other}"),
    }
}

/// Asserts the kind, and that message or help name the variable to set or correct.
fn assert_reports(failure: &Failure, kind: ErrorKind, words: &[&str]) {
    assert_eq!(failure.kind(), kind, "{failure}");
    for word in words {
        let is_named = failure.message().contains(word) || failure.help().contains(word);
        assert!(is_named, "{word} in: {failure}; {}", failure.help());
    }
}
