//! Exchanges with the service behind a form: as few as keep every lease fresh.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code: what should not happen stops the test"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use s3_credential_core::{
    Clock, Code, CredentialForm, Delivery, ExchangeRequest, Failure, FormKind, KeyExchange, Keys,
    Secret, SourceChain, SystemClock, Token, WebIdentity, source_fn,
};
use s3_credential_provider::{
    MountTarget, ProvideContext, Provided, Provider, PublishRequest, ResumeOptions,
};
use s3_credential_testkit::clock::ManualClock;
use tempfile::TempDir;

/// Counts, and gives keys for an hour.
#[derive(Debug)]
struct Sts {
    clock: ManualClock,
    calls: Arc<AtomicU32>,
}

#[async_trait::async_trait]
impl KeyExchange for Sts {
    async fn exchange(&self, _: &CredentialForm, _: &ExchangeRequest) -> Result<Keys, Failure> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let expires_at = self.clock.now() + SignedDuration::from_hours(1);
        let keys = Keys::new(format!("ASIA{call}"), "secret").with_session_token("session");
        Ok(keys.with_expires_at(expires_at))
    }
}

struct World {
    scratch: TempDir,
    clock: ManualClock,
    /// What time it is for STS.
    sts_clock: ManualClock,
    calls: Arc<AtomicU32>,
}

impl World {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir(scratch.path().join("write")).unwrap();
        let clock = ManualClock::new(SystemClock.now());
        Self { scratch, sts_clock: clock.clone(), clock, calls: Arc::default() }
    }

    fn provider(&self, delivery: Delivery) -> Provider {
        let clock = self.clock.clone();
        // The test says by the bucket which token the kubelet has brought.
        let source = source_fn("tokens", move |context: ProvideContext| {
            let secret = Secret::new(context.bucket().unwrap());
            let expires_at = clock.now() + SignedDuration::from_hours(24);
            async move {
                let token = Token::parse("token", secret, Some(expires_at))?;
                let role = "arn:aws:iam::111122223333:role/reader".parse()?;
                Ok(CredentialForm::WebIdentity(Box::new(WebIdentity::new(token, role))))
            }
        });
        let sts = Sts { clock: self.sts_clock.clone(), calls: Arc::clone(&self.calls) };
        Provider::builder()
            .environment([("AWS_REGION", "eu-north-1")].into_iter().collect())
            .state_path(self.scratch.path().join("state"))
            .clock(self.clock.clone())
            .delivery(delivery)
            .driver_chain(SourceChain::first_try(source))
            .exchange(FormKind::WebIdentity, sts)
            .build()
            .unwrap()
    }

    fn context(&self, volume: &str, token: &str) -> ProvideContext {
        let target = format!("/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/{volume}/mount");
        let request =
            PublishRequest::new(volume, target).with_volume_context([("bucketName", token)]);
        let write_path = self.scratch.path().join("write");
        ProvideContext::from_publish_request(request, MountTarget::new(write_path)).unwrap()
    }

    fn calls(&self) -> u32 {
        self.calls.load(Ordering::SeqCst)
    }
}

fn credentials(provided: &Provided) -> String {
    let path = provided.environment["AWS_SHARED_CREDENTIALS_FILE"].expose();
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn a_republish_asks_for_no_keys_while_those_that_are_there_are_fresh() {
    let world = World::new();
    let provider = world.provider(Delivery::Profile);
    let first = provider.provide(&world.context("v", "a")).await.unwrap();
    for minute in 0..38 {
        world.clock.advance(Duration::from_mins(1));
        // The token is another one every minute; whose it is has not changed.
        let token = format!("minute-{minute}");
        let again = provider.provide(&world.context("v", &token)).await.unwrap();
        assert_eq!((again.expires_at, again.refresh_at), (first.expires_at, first.refresh_at));
        assert_eq!(credentials(&again), credentials(&first));
    }
    assert_eq!(world.calls(), 1);
    world.clock.advance(Duration::from_mins(3));
    let renewed = provider.provide(&world.context("v", "a")).await.unwrap();
    assert_eq!(world.calls(), 2);
    assert!(renewed.expires_at > first.expires_at);
}

#[tokio::test]
async fn keys_that_have_ended_for_this_node_are_refused_and_blame_its_clock() {
    let mut world = World::new();
    world.sts_clock = ManualClock::new(world.clock.now() - SignedDuration::from_hours(2));
    for delivery in [Delivery::Profile, Delivery::Endpoint] {
        let provider = world.provider(delivery);
        let context = world.context("v", "a");
        for error in [
            provider.provide(&context).await.unwrap_err(),
            provider.credentials(&context).await.unwrap_err(),
        ] {
            assert_eq!(error.code(), Code::Unavailable, "{error}");
            assert!(error.help().contains("clock"), "{}", error.help());
        }
    }
}

#[tokio::test]
async fn volumes_with_the_same_token_share_an_exchange_and_others_do_not() {
    let world = World::new();
    let provider = world.provider(Delivery::Profile);
    let first = provider.provide(&world.context("v", "a")).await.unwrap();
    for volume in ["w", "x", "y"] {
        let next = provider.provide(&world.context(volume, "a")).await.unwrap();
        assert_eq!(credentials(&next), credentials(&first));
    }
    assert_eq!(world.calls(), 1);
    let other = provider.provide(&world.context("z", "b")).await.unwrap();
    assert_eq!(world.calls(), 2);
    assert_ne!(credentials(&other), credentials(&first));
}

#[tokio::test]
async fn keys_that_no_lease_has_any_more_are_not_given_out() {
    let world = World::new();
    let provider = world.provider(Delivery::Profile);
    provider.provide(&world.context("v", "a")).await.unwrap();
    let unpublish =
        s3_credential_provider::UnpublishRequest::new("v", world.context("v", "a").target_path());
    let cleanup = s3_credential_provider::CleanupContext::from_unpublish_request(
        &unpublish,
        world.scratch.path().join("write"),
        None,
    );
    provider.cleanup(&cleanup.unwrap()).await.unwrap();
    provider.provide(&world.context("w", "a")).await.unwrap();
    assert_eq!(world.calls(), 2);
}

#[tokio::test]
async fn a_mounted_volume_keeps_its_delivery_whatever_a_later_run_would_choose() {
    let world = World::new();
    let first = world.provider(Delivery::Profile);
    let provided = first.provide(&world.context("v", "a")).await.unwrap();
    drop(first);
    let next = world.provider(Delivery::Delegated);
    next.resume(ResumeOptions::default()).await.unwrap();
    world.clock.advance(Duration::from_mins(41));
    let again = next.provide(&world.context("v", "a")).await.unwrap();
    assert_eq!(again.delivery, Delivery::Profile, "a running Mountpoint reads no other files");
    assert_eq!(again.environment, provided.environment);
    assert!(credentials(&provided).contains("ASIA2"));
}
