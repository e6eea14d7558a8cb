//! Faults of a node while volumes are mounted: removed directories, and clocks that jump.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code: what should not happen stops the test"
)]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use s3_credential_core::{
    Clock, Code, CredentialForm, Keys, Secret, SourceChain, Token, WebIdentity, source_fn,
};
use s3_credential_provider::{
    CleanupContext, Event, MountTarget, ProvideContext, Provider, PublishRequest, ResumeOptions,
    UnpublishRequest,
};
use s3_credential_testkit::clock::ManualClock;
use tempfile::TempDir;
use tokio::time::timeout;

/// A provider whose source gives a token for an hour, another one at each call.
struct World {
    scratch: TempDir,
    clock: ManualClock,
}

impl World {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        fs::create_dir(scratch.path().join("write")).unwrap();
        Self { scratch, clock: ManualClock::new(Timestamp::from_second(1_700_000_000).unwrap()) }
    }

    fn provider(&self) -> Provider {
        let (clock, calls) = (self.clock.clone(), AtomicU32::new(0));
        let source = source_fn("mint", move |_: ProvideContext| {
            let secret = Secret::new(format!("token-{}", calls.fetch_add(1, Ordering::SeqCst) + 1));
            let token =
                Token::parse("token", secret, Some(clock.now() + SignedDuration::from_hours(1)));
            async move {
                let role = "arn:aws:iam::111122223333:role/reader".parse()?;
                Ok(CredentialForm::WebIdentity(Box::new(WebIdentity::new(token?, role))))
            }
        });
        self.provider_of(SourceChain::first_try(source))
    }

    fn provider_of(&self, chain: SourceChain) -> Provider {
        Provider::builder()
            .environment([("AWS_REGION", "eu-north-1")].into_iter().collect())
            .clock(self.clock.clone())
            .state_path(self.scratch.path().join("state"))
            .driver_chain(chain)
            .build()
            .unwrap()
    }

    fn write_path(&self) -> PathBuf {
        self.scratch.path().join("write")
    }

    /// A publish of a volume whose Mountpoint pod is shared.
    fn context(&self, pod: &str) -> ProvideContext {
        let target = MountTarget::new(self.write_path()).with_mountpoint_pod_uid("shared");
        ProvideContext::from_publish_request(PublishRequest::new("v", path(pod)), target).unwrap()
    }

    fn cleanup(&self, pod: &str) -> CleanupContext {
        let request = UnpublishRequest::new("v", path(pod));
        CleanupContext::from_unpublish_request(&request, self.write_path(), None).unwrap()
    }

    fn token(&self) -> Option<String> {
        let directory = fs::read_dir(self.write_path()).ok()?.next()?.unwrap().path();
        fs::read_to_string(directory.join("token")).ok()
    }
}

fn path(pod: &str) -> String {
    format!("/var/lib/kubelet/pods/{pod}/volumes/kubernetes.io~csi/pv/mount")
}

#[tokio::test]
async fn a_removed_state_path_is_created_again_with_the_current_leases() {
    let world = World::new();
    let provider = world.provider();
    provider.provide(&world.context("a")).await.unwrap();
    provider.provide(&world.context("b")).await.unwrap();
    fs::remove_dir_all(world.scratch.path().join("state")).unwrap();
    provider.provide(&world.context("b")).await.unwrap();
    assert_eq!(provider.leases()[0].lease.holders.len(), 2, "no holder was forgotten");

    fs::remove_dir_all(world.scratch.path().join("state")).unwrap();
    let cleaned = provider.cleanup(&world.cleanup("b")).await.unwrap();
    assert_eq!(cleaned.remaining_holders, 1);
    assert!(world.token().is_some(), "the other one's mount is live");
    // The next run knows of it again.
    let next = world.provider();
    assert_eq!(next.resume(ResumeOptions::default()).await.unwrap().adopted, 1);
    assert_eq!(next.cleanup(&world.cleanup("a")).await.unwrap().remaining_holders, 0);
    assert_eq!(fs::read_dir(world.write_path()).unwrap().count(), 0);
    assert_eq!(fs::read_dir(world.scratch.path().join("state")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_publish_keeps_the_files_of_a_lease_of_another_version() {
    let world = World::new();
    world.provider().provide(&world.context("a")).await.unwrap();
    let directory = fs::read_dir(world.write_path()).unwrap().next().unwrap().unwrap().path();
    fs::write(directory.join("of-the-other-version"), "").unwrap();
    let state = world.scratch.path().join("state");
    let record = fs::read_dir(state).unwrap().next().unwrap().unwrap().path();
    let newer = fs::read_to_string(&record).unwrap().replace("\"version\":1", "\"version\":99");
    fs::write(&record, newer).unwrap();
    fs::rename(world.write_path(), world.scratch.path().join("aside")).unwrap();
    let error = world.provider().provide(&world.context("a")).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "a final code would end the mount: {error}");
    fs::rename(world.scratch.path().join("aside"), world.write_path()).unwrap();
    world.provider().provide(&world.context("a")).await.unwrap();
    assert!(directory.join("of-the-other-version").exists());
}

#[tokio::test]
async fn a_write_path_that_comes_back_gets_its_files_back() {
    let world = World::new();
    let provider = world.provider();
    provider.provide(&world.context("a")).await.unwrap();
    fs::remove_dir_all(world.write_path()).unwrap();
    let error = provider.provide(&world.context("a")).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "{error}");
    fs::create_dir(world.write_path()).unwrap();
    provider.provide(&world.context("a")).await.unwrap();
    assert!(world.token().is_some());
    // Where it is gone for good, a cleanup forgets the lease all the same.
    fs::remove_dir_all(world.write_path()).unwrap();
    provider.cleanup(&world.cleanup("a")).await.unwrap();
    assert!(provider.leases().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_ahead_makes_leases_due_within_half_a_minute() {
    let world = World::new();
    let provider = world.provider();
    let _fresh = provider.keep_fresh();
    provider.provide(&world.context("a")).await.unwrap();
    let mut events = provider.events();
    // A machine that was suspended, or a clock that was set: paused time, by which tasks sleep,
    // does not include it.
    world.clock.advance(Duration::from_mins(55));
    let event = timeout(Duration::from_secs(31), events.recv()).await.unwrap().unwrap();
    assert!(matches!(event, Event::Refreshed { .. }), "{event:?}");
    assert_eq!(world.token().as_deref(), Some("token-2"));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_back_removes_no_file_and_a_republish_still_renews() {
    let world = World::new();
    let provider = world.provider();
    let _fresh = provider.keep_fresh();
    provider.provide(&world.context("a")).await.unwrap();
    world.clock.set(world.clock.now() - SignedDuration::from_hours(48));
    provider.provide(&world.context("a")).await.unwrap();
    // By its expiry the token of now is older than the one of the wrong clock; which of them is
    // right cannot be known.
    assert!(world.token().is_some());
    world.clock.advance(Duration::from_hours(49));
    provider.provide(&world.context("a")).await.unwrap();
    assert_eq!(world.token().as_deref(), Some("token-3"));
}

#[tokio::test]
async fn what_cannot_be_written_removes_no_file() {
    let world = World::new();
    let number = Arc::new(AtomicU32::new(0));
    let source = source_fn("keys", move |_: ProvideContext| {
        let key = format!("AKIA{}", number.fetch_add(1, Ordering::SeqCst));
        async move { Ok(CredentialForm::Keys(Keys::new(key, "secret"))) }
    });
    let provider = world.provider_of(SourceChain::first_try(source));
    let provided = provider.provide(&world.context("a")).await.unwrap();
    let credentials = &provided.files.iter().find(|file| file.path.ends_with("credentials"));
    let credentials = credentials.unwrap().path.clone();
    let directory = credentials.parent().unwrap().to_owned();
    // In the place of the directory there is a file: no file can be written for the volume.
    fs::rename(&directory, world.scratch.path().join("aside")).unwrap();
    fs::write(&directory, "").unwrap();
    let error = provider.provide(&world.context("a")).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "{error}");
    assert_eq!(provider.leases().len(), 1);
    fs::remove_file(&directory).unwrap();
    fs::rename(world.scratch.path().join("aside"), &directory).unwrap();
    provider.provide(&world.context("a")).await.unwrap();
    assert!(fs::read_to_string(&credentials).unwrap().contains("AKIA2"));
}
