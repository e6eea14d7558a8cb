//! Rotation and publishes under a jumping clock, a panicking source, an outage and a second
//! process.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::items_after_statements,
    reason = "test code: what should not happen stops the test"
)]

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use s3_credential_core::{
    Changes, Clock, CredentialForm, CredentialSource, Delivery, ErrorKind, Keys, RoleArn, Secret,
    Signal, SourceChain, SourceError, Token, WebIdentity,
};
use s3_credential_provider::{
    Event, MountTarget, ProvideContext, Provider, PublishRequest, ResumeOptions, Settings,
};
use s3_credential_testkit::clock::TokioClock;
use tempfile::TempDir;
use tokio::sync::broadcast::Receiver;
use tokio::time::{sleep, timeout};

/// How long a whole publish may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// Tokio's time, and a wall clock that can be wrong by some hours.
#[derive(Debug, Clone)]
struct Jumping {
    right: TokioClock,
    hours_ahead: Arc<Mutex<i64>>,
}

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        self.right.now() + SignedDuration::from_hours(*self.hours_ahead.lock().unwrap())
    }

    fn elapsed(&self) -> Duration {
        self.right.elapsed()
    }
}

#[derive(Debug, Default)]
struct Mood {
    calls: AtomicU32,
    is_down: AtomicBool,
    panics: AtomicBool,
    hangs: AtomicBool,
    gives_another_role: AtomicBool,
    signal: Signal,
}

/// Gives tokens or keys of an hour.
#[derive(Debug, Clone)]
struct Source {
    clock: TokioClock,
    mood: Arc<Mood>,
    gives_keys: bool,
}

#[async_trait::async_trait]
impl CredentialSource for Source {
    fn name(&self) -> &'static str {
        "moody"
    }

    async fn provide(&self, _: &ProvideContext) -> Result<CredentialForm, SourceError> {
        let mood = &self.mood;
        let call = mood.calls.fetch_add(1, Ordering::SeqCst) + 1;
        assert!(!mood.panics.load(Ordering::SeqCst), "the source panics");
        if mood.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if mood.is_down.load(Ordering::SeqCst) {
            return Err(SourceError::failed(ErrorKind::Unavailable, "the service is down"));
        }
        let expires_at = self.clock.now() + SignedDuration::from_hours(1);
        if self.gives_keys {
            let keys = Keys::new(format!("AKIA{call}"), "secret").with_session_token("session");
            return Ok(CredentialForm::Keys(keys.with_expires_at(expires_at)));
        }
        let token = Token::parse("token", Secret::new(format!("token-{call}")), Some(expires_at))?;
        let name = if mood.gives_another_role.load(Ordering::SeqCst) { "other" } else { "reader" };
        let role: RoleArn = format!("arn:aws:iam::111122223333:role/{name}").parse()?;
        Ok(CredentialForm::WebIdentity(Box::new(WebIdentity::new(token, role))))
    }

    fn changes(&self) -> Option<Changes> {
        Some(self.mood.signal.subscribe())
    }
}

struct World {
    write: TempDir,
    state: TempDir,
    clock: Jumping,
    mood: Arc<Mood>,
}

impl World {
    fn new() -> Self {
        let right = TokioClock::new(Timestamp::from_second(1_700_000_000).unwrap());
        Self {
            write: tempfile::tempdir().unwrap(),
            state: tempfile::tempdir().unwrap(),
            clock: Jumping { right, hours_ahead: Arc::default() },
            mood: Arc::default(),
        }
    }

    fn provider_of(&self, gives_keys: bool) -> Provider {
        let mut settings = Settings::default();
        settings.operation_timeout = DEADLINE;
        let (clock, mood) = (self.clock.right, Arc::clone(&self.mood));
        let mut builder = Provider::builder()
            .settings(settings)
            .environment([("AWS_REGION", "eu-north-1")].into_iter().collect())
            .clock(self.clock.clone())
            .state_path(self.state.path().join("state"))
            .driver_chain(SourceChain::first_try(Source { clock, mood, gives_keys }));
        if gives_keys {
            builder = builder.delivery(Delivery::Profile);
        }
        builder.build().unwrap()
    }

    fn provider(&self) -> Provider {
        self.provider_of(false)
    }

    fn context(&self) -> ProvideContext {
        let target = "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount";
        let request = PublishRequest::new("v", target);
        ProvideContext::from_publish_request(request, MountTarget::new(self.write.path())).unwrap()
    }

    fn calls(&self) -> u32 {
        self.mood.calls.load(Ordering::SeqCst)
    }
}

/// Waits for the next refresh that succeeds.
async fn refreshed(events: &mut Receiver<Event>) {
    let next = async { while !matches!(events.recv().await.unwrap(), Event::Refreshed { .. }) {} };
    timeout(Duration::from_hours(2), next).await.unwrap();
}

fn has_identity_changed(events: &mut Receiver<Event>) -> bool {
    let mut found = false;
    while let Ok(event) = events.try_recv() {
        found |= matches!(event, Event::IdentityChanged { .. });
    }
    found
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_jumps_and_comes_back_suspends_no_refresh() {
    for hours in [24, -24] {
        let world = World::new();
        let provider = world.provider();
        let _fresh = provider.keep_fresh();
        provider.provide(&world.context()).await.unwrap();
        for minutes in [1, 50] {
            sleep(Duration::from_mins(minutes)).await;
            *world.clock.hours_ahead.lock().unwrap() = hours;
            // A change wakes the rotation in the middle of the jump.
            world.mood.signal.notify();
            sleep(Duration::from_secs(20)).await;
            *world.clock.hours_ahead.lock().unwrap() = 0;
        }
        for _ in 0..24 {
            sleep(Duration::from_mins(5)).await;
            let expires_at = provider.leases()[0].expires_at.unwrap();
            assert!(expires_at > world.clock.now(), "by {hours} hours: expired at {expires_at}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_panics_in_a_refresh_is_asked_again() {
    let world = World::new();
    let provider = world.provider();
    let mut events = provider.events();
    let _fresh = provider.keep_fresh();
    provider.provide(&world.context()).await.unwrap();
    world.mood.panics.store(true, Ordering::SeqCst);
    sleep(Duration::from_mins(50)).await;
    assert!(world.calls() > 1, "it has panicked");
    let failure = provider.leases()[0].last_error.clone().unwrap();
    assert_eq!(failure.kind(), ErrorKind::Internal);
    world.mood.panics.store(false, Ordering::SeqCst);
    refreshed(&mut events).await;
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_for_the_whole_call_with_its_wait_for_the_volume() {
    let world = World::new();
    let provider = world.provider();
    let context = world.context();
    provider.provide(&context).await.unwrap();
    world.mood.hangs.store(true, Ordering::SeqCst);
    let started = world.clock.elapsed();
    let publishes = (0..3).map(|_| async {
        let error = provider.provide(&context).await.unwrap_err();
        (error.kind(), world.clock.elapsed() - started)
    });
    for (kind, took) in futures::future::join_all(publishes).await {
        assert!(took <= DEADLINE + Duration::from_millis(100), "{kind} after {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failing_republish_asks_its_source_once() {
    let world = World::new();
    let provider = world.provider();
    provider.provide(&world.context()).await.unwrap();
    world.mood.is_down.store(true, Ordering::SeqCst);
    provider.provide(&world.context()).await.unwrap_err();
    assert_eq!(world.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_republish_knows_of_the_outage_that_the_rotation_found() {
    let world = World::new();
    let provider = world.provider_of(true);
    let _fresh = provider.keep_fresh();
    provider.provide(&world.context()).await.unwrap();
    world.mood.is_down.store(true, Ordering::SeqCst);
    while provider.leases()[0].last_error.is_none() {
        sleep(Duration::from_secs(1)).await;
    }
    let calls = world.calls();
    let error = provider.provide(&world.context()).await.unwrap_err();
    assert_eq!((error.kind(), world.calls()), (ErrorKind::Unavailable, calls));
}

#[tokio::test(start_paused = true)]
async fn a_changed_identity_is_an_event_once_and_again_after_it_was_the_same() {
    let world = World::new();
    let provider = world.provider();
    provider.provide(&world.context()).await.unwrap();
    let mut events = provider.events();
    for (other, is_event) in [(true, true), (true, false), (false, false), (true, true)] {
        world.mood.gives_another_role.store(other, Ordering::SeqCst);
        let provided = provider.provide(&world.context()).await.unwrap();
        assert_eq!(provided.identity_changed, other);
        assert_eq!(has_identity_changed(&mut events), is_event);
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_start_on_the_same_state_path_is_refused_until_the_first_stops() {
    let world = World::new();
    let first = world.provider().start(ResumeOptions::default()).await.unwrap();
    let error = world.provider().start(ResumeOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    first.stop().await;
    let second = world.provider().start(ResumeOptions::default()).await.unwrap();
    second.stop().await;
}
