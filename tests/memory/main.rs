//! The driver's memory after its lease is gone: our code leaves no copy of a secret in it.
//!
//! Copies that other libraries make and do not zeroise are listed in SECURITY.md; what is tested
//! here goes through none of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code: what should not happen stops the test"
)]

mod scan;

use std::fs;
use std::path::PathBuf;

use s3_credential_core::{
    CleanupContext, Code, Delivery, Environment, ErrorKind, MountKind, MountTarget, PublishRequest,
    SourceChain, TOKENS_KEY, UnpublishRequest, names,
};
use s3_credential_provider::{Provider, ProviderBuilder, ResumeOptions};
use s3_credential_secret::{SecretDirectorySettings, SecretDirectorySource};
use tempfile::TempDir;

use scan::Canary;

const TARGET: &str = "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount";

struct World {
    scratch: TempDir,
    canary: Canary,
}

impl World {
    fn new() -> Self {
        // On a tmpfs, where what the endpoint needs after a restart may be.
        let scratch = tempfile::tempdir_in("/dev/shm").unwrap();
        fs::create_dir(scratch.path().join("write")).unwrap();
        Self { scratch, canary: Canary::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn builder(&self) -> ProviderBuilder {
        let environment = Environment::default().with(names::AWS_REGION, "eu-north-1");
        Provider::builder().environment(environment).state_path(self.path("state"))
    }

    fn target(&self) -> MountTarget {
        MountTarget::new(self.path("write")).with_role_arn(ROLE.parse().unwrap())
    }

    /// A file with the secret in the place of each `$`.
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, self.canary.planted_in(text).as_bytes()).unwrap();
        path
    }

    /// A request as the kubelet sends it, with the secret in the place of each `$`.
    fn request(&self, json: &str) -> PublishRequest {
        let text = self.canary.planted_in(json);
        serde_json::from_str(&text).unwrap()
    }

    /// A volume's whole life: published, published again, looked at, and removed.
    async fn live(&self, builder: ProviderBuilder, request: PublishRequest) {
        let provider = builder.build().unwrap();
        let unpublish = UnpublishRequest::new(&request.volume_id, &request.target_path);
        let context = provider.context(request, self.target()).unwrap();
        for _ in 0..2 {
            provider.provide(&context).await.unwrap();
        }
        provider.explain(&context).await.unwrap();
        assert!(!self.canary.copies().is_empty(), "the search finds what is there");
        let cleanup =
            CleanupContext::from_unpublish_request(&unpublish, self.path("write"), None).unwrap();
        provider.cleanup(&cleanup).await.unwrap();
    }

    fn assert_no_copy_is_left(&self) {
        let copies = self.canary.copies();
        assert!(copies.is_empty(), "{} copies: {copies:#?}", copies.len());
    }
}

const ROLE: &str = "arn:aws:iam::111122223333:role/reader";

/// `{"alg":"RS256"}` and
/// `{"aud":["sts.amazonaws.com"],"sub":"system:serviceaccount:tenant:reader","exp":4102444800}`;
/// its signature is the secret, without which the rest is worthless.
const JWT: &str = concat!(
    "eyJhbGciOiJSUzI1NiJ9.",
    "eyJhdWQiOlsic3RzLmFtYXpvbmF3cy5jb20iXSwic3ViIjoic3lzdGVtOnNlcnZpY2VhY2NvdW50OnRlbmFudDpyZWFkZXIiLCJleHAiOjQxMDI0NDQ4MDB9.",
    "$"
);

fn request_json(level: &str, context: &str, secrets: &str) -> String {
    format!(
        r#"{{"volumeId":"v","targetPath":"{TARGET}","volumeContext":{{"authenticationSource":"{level}",
        "csi.storage.k8s.io/pod.namespace":"tenant","csi.storage.k8s.io/serviceAccount.name":"reader"{context}}},"secrets":{{{secrets}}}}}"#
    )
}

#[tokio::test]
async fn keys_of_a_request_go_with_their_lease() {
    let world = World::new();
    for delivery in [Delivery::Profile, Delivery::Environment] {
        for key in ["$", r"$\u002f$", r"\u0061$"] {
            let secrets = format!(r#""key_id":"AKIAIOSFODNN7EXAMPLE","access_key":"{key}""#);
            let request = world.request(&request_json("secret", "", &secrets));
            world.live(world.builder().delivery(delivery), request).await;
            world.assert_no_copy_is_left();
        }
    }
}

#[tokio::test]
async fn keys_that_are_refused_are_not_kept_either() {
    let world = World::new();
    for secrets in [
        r#""key_id":"AKIAIOSFODNN7EXAMPLE","access_key":"$ #""#,
        r#""key_id":"$\n","access_key":"$""#,
        r#""access_key":"$""#,
        r#""key_id":"","session_token":"$""#,
    ] {
        let request = world.request(&request_json("secret", "", secrets));
        let provider = world.builder().build().unwrap();
        let context = provider.context(request, world.target()).unwrap();
        let error = provider.provide(&context).await.unwrap_err();
        drop((provider, context));
        world.assert_no_copy_is_left();
        assert!(
            error.kind().code() == Code::InvalidArgument || error.kind() == ErrorKind::NoSource,
            "{error}"
        );
    }
}

#[tokio::test]
async fn tokens_of_a_request_go_with_their_lease() {
    let world = World::new();
    let tokens = format!(
        r#""{TOKENS_KEY}":"{{\"sts.amazonaws.com\":{{\"token\":\"{JWT}\",\"expirationTimestamp\":\"2099-01-01T00:00:00Z\"}}}}""#
    );
    for (context, secrets) in [(format!(",{tokens}"), ""), (String::new(), tokens.as_str())] {
        let request = world.request(&request_json("pod", &context, secrets));
        world.live(world.builder(), request).await;
        world.assert_no_copy_is_left();
    }
}

#[tokio::test]
async fn keys_of_the_environment_go_with_the_provider() {
    let world = World::new();
    let mut key = String::with_capacity(128);
    world.canary.push_to(&mut key);
    let environment = Environment::default()
        .with(names::AWS_ACCESS_KEY_ID, "AKIAIOSFODNN7EXAMPLE")
        .with(names::AWS_SECRET_ACCESS_KEY, key);
    let request = world.request(&request_json("driver", "", ""));
    world.live(world.builder().environment(environment), request).await;
    world.assert_no_copy_is_left();
}

#[tokio::test]
async fn tokens_and_keys_that_were_read_from_files_go_with_their_lease() {
    let world = World::new();
    let token = world.write("token", JWT);
    let environment = Environment::default()
        .with(names::AWS_WEB_IDENTITY_TOKEN_FILE, token.to_str().unwrap())
        .with(names::AWS_ROLE_ARN, ROLE)
        .with(names::AWS_REGION, "eu-north-1");
    let request = world.request(&request_json("driver", "", ""));
    world.live(world.builder().environment(environment), request).await;
    world.assert_no_copy_is_left();

    world.write("secret/key_id", "AKIAIOSFODNN7EXAMPLE");
    world.write("secret/access_key", "$");
    let settings = SecretDirectorySettings::new(world.path("secret"));
    let source = SecretDirectorySource::new(settings).unwrap();
    let request = world.request(&request_json("driver", "", ""));
    world.live(world.builder().driver_chain(SourceChain::first_try(source)), request).await;
    world.assert_no_copy_is_left();
}

/// Their record, too, from which the next run serves them.
#[tokio::test]
async fn keys_that_the_endpoint_serves_go_with_their_lease() {
    let world = World::new();
    let session_token = "$".repeat(150);
    let secrets = format!(
        r#""key_id":"AKIAIOSFODNN7EXAMPLE","access_key":"$","session_token":"{session_token}""#
    );
    let request = world.request(&request_json("secret", "", &secrets));
    let target = world.target().with_kind(MountKind::Systemd);
    let unpublish = UnpublishRequest::new(&request.volume_id, &request.target_path);
    let builder = || world.builder().delivery(Delivery::Endpoint);
    {
        let provider = builder().build().unwrap();
        provider.serve_endpoint().unwrap();
        let context = provider.context(request, target).unwrap();
        provider.provide(&context).await.unwrap();
    }
    // The endpoint ends when its task is looked at once more.
    tokio::task::yield_now().await;
    let provider = builder().build().unwrap();
    provider.serve_endpoint().unwrap();
    assert_eq!(provider.resume(ResumeOptions::default()).await.unwrap().adopted, 1);
    assert!(!world.canary.copies().is_empty(), "the next run has them again");
    let cleanup =
        CleanupContext::from_unpublish_request(&unpublish, world.path("write"), None).unwrap();
    provider.cleanup(&cleanup).await.unwrap();
    drop(provider);
    world.assert_no_copy_is_left();
}
