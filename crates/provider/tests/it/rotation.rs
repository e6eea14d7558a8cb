//! Leases that are kept fresh, with time paused; and taken up again by the next run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::items_after_statements,
    reason = "test code: what should not happen stops the test"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use s3_credential_core::{
    Changes, Clock, CredentialForm, CredentialSource, ErrorKind, RoleArn, Secret, Signal,
    SourceChain, SourceError, Token, WebIdentity,
};
use s3_credential_provider::{
    CleanupContext, Event, MountTarget, ProvideContext, Provider, PublishRequest, ResumeOptions,
    UnpublishRequest,
};
use s3_credential_testkit::clock::TokioClock;
use tempfile::TempDir;
use tokio::sync::broadcast::Receiver;
use tokio::time::{sleep, timeout};

/// Tokens that are born when they are asked for and live for an hour, unless the test says that the
/// upstream is down.
#[derive(Debug)]
struct Mint {
    clock: TokioClock,
    down: Mutex<bool>,
    calls: Mutex<u32>,
    signal: Signal,
}

#[async_trait::async_trait]
impl CredentialSource for Mint {
    fn name(&self) -> &'static str {
        "mint"
    }

    async fn provide(&self, _: &ProvideContext) -> Result<CredentialForm, SourceError> {
        let mut calls = self.calls.lock().unwrap();
        *calls += 1;
        if *self.down.lock().unwrap() {
            return Err(SourceError::failed(ErrorKind::Unavailable, "the mint is closed"));
        }
        let expires_at = self.clock.now() + SignedDuration::from_hours(1);
        let token = Token::parse("token", Secret::new(format!("token-{calls}")), Some(expires_at))?;
        let role: RoleArn = "arn:aws:iam::111122223333:role/reader".parse()?;
        Ok(CredentialForm::WebIdentity(Box::new(WebIdentity::new(token, role))))
    }

    fn changes(&self) -> Option<Changes> {
        Some(self.signal.subscribe())
    }
}

struct World {
    write: TempDir,
    state: TempDir,
    clock: TokioClock,
    mint: Arc<Mint>,
}

impl World {
    fn new() -> Self {
        let clock = TokioClock::new(Timestamp::from_second(1_700_000_000).unwrap());
        let mint = Arc::new(Mint {
            clock,
            down: Mutex::new(false),
            calls: Mutex::new(0),
            signal: Signal::default(),
        });
        Self {
            write: tempfile::tempdir().unwrap(),
            state: tempfile::tempdir().unwrap(),
            clock,
            mint,
        }
    }

    fn provider(&self) -> Provider {
        Provider::builder()
            .environment([("AWS_REGION", "eu-north-1")].into_iter().collect())
            .clock(self.clock)
            .state_path(self.state.path().join("state"))
            .driver_chain(SourceChain::first_try(Arc::clone(&self.mint)))
            .build()
            .unwrap()
    }

    fn context(&self, volume: &str) -> ProvideContext {
        let request = PublishRequest::new(volume, target(volume));
        ProvideContext::from_publish_request(request, MountTarget::new(self.write.path())).unwrap()
    }

    fn cleanup(&self, volume: &str) -> CleanupContext {
        let request = UnpublishRequest::new(volume, target(volume));
        CleanupContext::from_unpublish_request(&request, self.write.path(), None).unwrap()
    }

    /// The tokens under the write path.
    fn tokens(&self) -> BTreeMap<String, String> {
        let directories = std::fs::read_dir(self.write.path()).unwrap();
        directories
            .map(|entry| entry.unwrap().path())
            .map(|path| {
                (path.display().to_string(), std::fs::read_to_string(path.join("token")).unwrap())
            })
            .collect()
    }

    /// The record of the only lease.
    fn record(&self) -> PathBuf {
        let entries = std::fs::read_dir(self.state.path().join("state")).unwrap();
        let mut records = entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.'));
        records.next().unwrap()
    }

    fn token(&self) -> String {
        self.tokens().into_values().next().unwrap()
    }
}

fn target(volume: &str) -> String {
    format!("/var/lib/kubelet/pods/{volume}-pod/volumes/kubernetes.io~csi/pv/mount")
}

async fn next(events: &mut Receiver<Event>) -> Event {
    timeout(Duration::from_hours(24), events.recv()).await.expect("an event within a day").unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_refreshed_before_it_ends_again_and_again() {
    let world = World::new();
    let provider = world.provider();
    let mut events = provider.events();
    let _fresh = provider.keep_fresh();
    let provided = provider.provide(&world.context("v")).await.unwrap();
    let mut expires_at = provided.expires_at.unwrap();
    for _ in 0..168 {
        let Event::Refreshed { expires_at: renewed, .. } = next(&mut events).await else {
            panic!("not refreshed")
        };
        assert!(world.clock.now() < expires_at, "refreshed too late");
        expires_at = renewed.unwrap();
    }
    let calls = *world.mint.calls.lock().unwrap();
    assert_eq!(world.token(), format!("token-{calls}"));
    assert_eq!(calls, 169, "one call for each refresh");
}

#[tokio::test(start_paused = true)]
async fn an_outage_keeps_the_files_backs_off_and_is_reported() {
    let world = World::new();
    let provider = world.provider();
    let mut events = provider.events();
    let _fresh = provider.keep_fresh();
    provider.provide(&world.context("v")).await.unwrap();
    *world.mint.down.lock().unwrap() = true;
    let mut waits = Vec::new();
    for _ in 0..20 {
        let Event::RefreshFailed { failure, retry_at, .. } = next(&mut events).await else {
            panic!("not failed")
        };
        assert_eq!(failure.kind(), ErrorKind::Unavailable);
        waits.push(retry_at.duration_since(world.clock.now()).as_secs_f64());
        assert_eq!(world.token(), "token-1");
    }
    assert!(waits[0] <= 10.0, "one failure may be chance: {waits:?}");
    assert!(
        waits[1] >= 60.0,
        "two are an outage, and what is there is good for minutes: {waits:?}"
    );
    assert!(waits[19] <= 60.0, "readers wait once the credentials have expired: {waits:?}");
    assert!(provider.leases()[0].last_error.is_some());

    *world.mint.down.lock().unwrap() = false;
    while !matches!(next(&mut events).await, Event::Refreshed { .. }) {}
    assert_ne!(world.token(), "token-1");
    assert!(provider.leases()[0].last_error.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_change_that_a_source_reports_reaches_the_live_volume_at_once() {
    let world = World::new();
    let provider = world.provider();
    let mut events = provider.events();
    let _fresh = provider.keep_fresh();
    provider.provide(&world.context("v")).await.unwrap();
    let before = world.clock.now();
    world.mint.signal.notify();
    assert!(matches!(next(&mut events).await, Event::Refreshed { .. }));
    assert_eq!(world.token(), "token-2");
    assert!(world.clock.now().duration_since(before) < SignedDuration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_cleaned_up_is_not_brought_back_by_its_refresh() {
    let world = World::new();
    let provider = world.provider();
    let _fresh = provider.keep_fresh();
    provider.provide(&world.context("v")).await.unwrap();
    // Another process cleans up, behind this one's back.
    world.provider().cleanup(&world.cleanup("v")).await.unwrap();
    sleep(Duration::from_hours(2)).await;
    assert!(world.tokens().is_empty());
    assert!(provider.leases().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_new_run_takes_leases_up_and_goes_on_refreshing_them() {
    let world = World::new();
    let old = world.provider();
    old.provide(&world.context("kept")).await.unwrap();
    old.provide(&world.context("gone")).await.unwrap();
    drop(old);

    let provider = world.provider();
    let mut events = provider.events();
    let still_there = |path: &str| path == target("kept");
    let options = ResumeOptions { still_published: Some(&still_there), ..ResumeOptions::default() };
    let resumed = provider.resume(options).await.unwrap();
    assert_eq!((resumed.adopted, resumed.removed.len()), (1, 2), "{resumed:?}");
    assert_eq!(world.tokens().len(), 1);
    let _fresh = provider.keep_fresh();
    let seen = [next(&mut events).await, next(&mut events).await, next(&mut events).await];
    assert!(seen.iter().any(|event| matches!(event, Event::Adopted { .. })));
    assert!(seen.iter().any(|event| matches!(event, Event::Swept { removed: 2, .. })));
    assert!(matches!(&seen[2], Event::Refreshed { lease, .. } if lease.volume_id == "kept"));
}

#[tokio::test(start_paused = true)]
async fn a_journal_entry_of_another_version_is_reported_and_left_alone() {
    let world = World::new();
    world.provider().provide(&world.context("v")).await.unwrap();
    let record = world.record();
    let newer =
        std::fs::read_to_string(&record).unwrap().replace("\"version\":1,", "\"version\":99,");
    std::fs::write(&record, &newer).unwrap();
    let options = ResumeOptions {
        own_write_paths: vec![world.write.path().to_owned()],
        ..ResumeOptions::default()
    };
    let resumed = world.provider().resume(options).await.unwrap();
    assert_eq!((resumed.adopted, resumed.unreadable.len(), resumed.removed.len()), (0, 1, 0));
    assert_eq!(world.tokens().len(), 1, "its files may be in use");
    assert_eq!(std::fs::read_to_string(&record).unwrap(), newer);
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_a_record_is_no_second_lease() {
    let world = World::new();
    world.provider().provide(&world.context("v")).await.unwrap();
    let copy = world.record().with_file_name("copy");
    std::fs::copy(world.record(), &copy).unwrap();
    let provider = world.provider();
    let resumed = provider.resume(ResumeOptions::default()).await.unwrap();
    assert_eq!((resumed.adopted, resumed.unreadable), (1, vec!["copy".to_owned()]));
    assert_eq!(provider.leases().len(), 1);
    assert!(copy.exists());
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_is_no_record_stops_no_other_lease_from_being_resumed() {
    let world = World::new();
    world.provider().provide(&world.context("v")).await.unwrap();
    let state = world.record().parent().unwrap().to_owned();
    std::fs::create_dir(state.join("lost+found")).unwrap();
    std::fs::create_dir(state.join(".x.0123456789abcdef.new")).unwrap();
    std::fs::File::create(state.join("large")).unwrap().set_len(1 << 40).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", state.join("link")).unwrap();
    let provider = world.provider();
    let mut resumed = provider.resume(ResumeOptions::default()).await.unwrap();
    resumed.unreadable.sort();
    assert_eq!((resumed.adopted, resumed.removed.len()), (1, 0), "{resumed:?}");
    assert_eq!(resumed.unreadable, ["large", "link", "lost+found"]);
    provider.provide(&world.context("v")).await.unwrap();
    provider.provide(&world.context("w")).await.unwrap();
    provider.cleanup(&world.cleanup("v")).await.unwrap();
    assert_eq!(world.tokens().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn directories_of_a_lost_journal_are_reported_and_stay() {
    let world = World::new();
    world.provider().provide(&world.context("v")).await.unwrap();
    std::fs::remove_dir_all(world.state.path().join("state")).unwrap();
    let options = ResumeOptions {
        own_write_paths: vec![world.write.path().to_owned()],
        ..ResumeOptions::default()
    };
    let resumed = world.provider().resume(options).await.unwrap();
    assert_eq!((resumed.removed.len(), resumed.unrecorded.len()), (0, 1), "{resumed:?}");
    assert_eq!(world.tokens().len(), 1, "a Mountpoint may run with it");
}

#[tokio::test(start_paused = true)]
async fn directories_of_a_lost_journal_are_swept_where_the_caller_knows_that_none_is_in_use() {
    let world = World::new();
    world.provider().provide(&world.context("v")).await.unwrap();
    world.provider().provide(&world.context("mounted")).await.unwrap();
    std::fs::remove_dir_all(world.state.path().join("state")).unwrap();
    std::fs::create_dir(world.write.path().join("foreign")).unwrap();
    let is_unused =
        |path: &std::path::Path| !path.file_name().unwrap().to_str().unwrap().contains("mounted");
    let options = ResumeOptions {
        own_write_paths: vec![world.write.path().to_owned()],
        is_unused: Some(&is_unused),
        ..ResumeOptions::default()
    };
    let resumed = world.provider().resume(options).await.unwrap();
    assert_eq!((resumed.removed.len(), resumed.unrecorded.len()), (2, 1), "{resumed:?}");
    let mut left: Vec<_> = std::fs::read_dir(world.write.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left.len(), 2);
    assert!(left.contains(&"foreign".to_owned()), "{left:?}");
    assert!(left.iter().any(|name| name.contains("mounted")), "{left:?}");
}
