//! Keys that say when something happens, with time paused.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use s3_credential_provider::{
    CachedKeys, Clock as _, Config, CredentialForm, CredentialSource, ErrorKind, NoSettings,
    PluginContext, ProvideContext, Provider, Registry, RotationHandle, SourceError,
};
use s3_credential_provider::{Changes, Signal};
use tokio::time::sleep;

use super::scene::{Scene, World, hourly};
use super::{Case, case, check};
use Watched::{Cache, Concurrency, File, Retries, Silent};

/// What is watched.
#[derive(Debug, Clone, Copy)]
pub(super) enum Watched {
    /// A file that is replaced: whether what is new was delivered within a minute.
    File(Scene),
    /// A source that fails: how often it is asked within an hour, and how soon again at first.
    Retries,
    /// Many leases whose source reports a change: how many are refreshed at once.
    Concurrency,
    /// Keys in memory that last for an hour, and then cannot be renewed.
    Cache,
    /// Keys in memory that are never fetched.
    Silent,
}

const POLLED: &str =
    "chains: {driver: [secret-directory]}\nsources: {secret-directory: {path: SCRATCH/keys}}";
const CACHE: &str = "rotation: {cache: {advisoryWindow: 20m, initialBackoff: 1m, maxBackoff: 4m}}";

#[rustfmt::skip] // A table.
pub(super) const CASES: &[Case<Watched>] = &[
    case("sources.irsa.pollInterval", File(Scene::Token), ["", "newer after a minute: true"], ["sources: {irsa: {pollInterval: 10m}}", "newer after a minute: false"]),
    case("sources.pod-identity.pollInterval", File(Scene::Container), ["", "newer after a minute: true"],
        ["sources: {pod-identity: {pollInterval: 10m}}", "newer after a minute: false"]),
    case("sources.secret-directory.pollInterval", File(Scene::Driver), [POLLED, "newer after a minute: true"],
        ["chains: {driver: [secret-directory]}\nsources: {secret-directory: {path: SCRATCH/keys, pollInterval: 10m}}", "newer after a minute: false"]),
    case("rotation.initialBackoff", Retries, ["", "again within 2 s: true"], ["rotation: {initialBackoff: 1m}", "again within 2 s: false"]),
    case("rotation.maxBackoff", Retries, ["", "more than 100 times: false"], ["rotation: {maxBackoff: 2s}", "more than 100 times: true"]),
    case("rotation.concurrency", Concurrency, ["", "at once 16"], ["rotation: {concurrency: 3}", "at once 3"]),
    case("rotation.cache.advisoryWindow", Cache, ["", "due after 50 minutes: true"], [CACHE, "due after 50 minutes: false"]),
    case("rotation.cache.mandatoryWindow", Cache, [CACHE, "urgent 2 minutes before the end: false"],
        ["rotation: {cache: {advisoryWindow: 20m, initialBackoff: 1m, maxBackoff: 4m, mandatoryWindow: 3m}}", "urgent 2 minutes before the end: true"]),
    case("rotation.cache.initialBackoff", Cache, [CACHE, "pause of 4 minutes: false"],
        ["rotation: {cache: {advisoryWindow: 20m, initialBackoff: 4m, maxBackoff: 4m}}", "pause of 4 minutes: true"]),
    case("rotation.cache.maxBackoff", Cache, [CACHE, "pause of 1 minute: false"],
        ["rotation: {cache: {advisoryWindow: 20m, initialBackoff: 1m, maxBackoff: 1m}}", "pause of 1 minute: true"]),
    case("rotation.cache.operationTimeout", Silent, ["", "no keys were fetched within 5 s"], ["rotation: {cache: {operationTimeout: 2s}}", "no keys were fetched within 2 s"]),
    case("rotation.cache.fetchTimeout", Silent, ["", "no keys were fetched within 5 s"],
        ["rotation: {cache: {fetchTimeout: 3s}}", "the upstream gave no keys within 3 s"]),
];

#[tokio::test(start_paused = true)]
async fn a_key_about_time_changes_when_something_happens() {
    check(CASES, async |watched, yaml: &str| {
        let world = World::new();
        match watched {
            File(scene) => file(&world, scene, yaml).await,
            Retries => retries(&world, yaml).await,
            Concurrency => concurrency(&world, yaml).await,
            Cache => cache(&world, yaml).await,
            Silent => silent(&world, yaml).await,
        }
    })
    .await;
}

fn context(provider: &Provider, world: &World, scene: Scene, volume: &str) -> ProvideContext {
    provider.context(world.request(scene, volume), world.target(scene)).unwrap()
}

async fn file(world: &World, scene: Scene, yaml: &str) -> String {
    let (provider, _) = world.driver(scene, yaml).unwrap();
    let _fresh: RotationHandle = provider.keep_fresh();
    provider.provide(&context(&provider, world, scene, "v")).await.unwrap();
    // A file is first read at the first subscription.
    sleep(Duration::from_millis(1)).await;
    let before = world.delivered();
    world.write("token", &world.token("newer"));
    world.write("agent-token", "agent-token-2");
    world.write("keys/key_id", "AKIANEWER");
    sleep(Duration::from_mins(1)).await;
    format!("newer after a minute: {}", world.delivered() != before)
}

/// A source of our own, with the configuration.
fn with_source(world: &World, yaml: &str, source: impl CredentialSource + Clone) -> Provider {
    let mut registry = Registry::default();
    registry.register("ours", move |_: &NoSettings, _: &PluginContext| Ok(source.clone())).unwrap();
    let yaml = format!("chains: {{driver: [ours], region: [environment]}}\n{yaml}");
    let config = Config::parse(&registry, "c.yaml", &yaml).unwrap();
    Provider::builder()
        .config(config)
        .clock(world.clock)
        .state_path(world.path("state"))
        .build()
        .unwrap()
}

/// Hourly keys for the allowed number of calls; then a failure or a hang, as configured.
#[derive(Debug, Clone)]
struct Ours {
    world_clock: s3_credential_testkit::clock::TokioClock,
    good_for: usize,
    then_hangs: bool,
    /// How it fails: of what is no answer at all, other leases learn, which has pauses of its own.
    failure: ErrorKind,
    calls: Arc<AtomicUsize>,
    inside: Arc<AtomicUsize>,
    signal: Signal,
}

impl Ours {
    fn new(world: &World, good_for: usize) -> Self {
        Self {
            world_clock: world.clock,
            good_for,
            then_hangs: false,
            failure: ErrorKind::PermissionDenied,
            calls: Arc::default(),
            inside: Arc::default(),
            signal: Signal::default(),
        }
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

#[async_trait::async_trait]
impl CredentialSource for Ours {
    fn name(&self) -> &'static str {
        "ours"
    }

    async fn provide(&self, _: &ProvideContext) -> Result<CredentialForm, SourceError> {
        if self.calls.fetch_add(1, Ordering::Relaxed) < self.good_for {
            return Ok(CredentialForm::Keys(hourly(self.world_clock)));
        }
        if self.then_hangs {
            self.inside.fetch_add(1, Ordering::Relaxed);
            pending::<()>().await;
        }
        Err(SourceError::failed(self.failure, "the source is closed"))
    }

    fn changes(&self) -> Option<Changes> {
        Some(self.signal.subscribe())
    }
}

async fn retries(world: &World, yaml: &str) -> String {
    let ours = Ours::new(world, 1);
    let provider = with_source(world, yaml, ours.clone());
    let _fresh = provider.keep_fresh();
    provider.provide(&context(&provider, world, Scene::Driver, "v")).await.unwrap();
    ours.signal.notify();
    sleep(Duration::from_millis(1)).await;
    let first = ours.calls();
    sleep(Duration::from_secs(2)).await;
    let soon = ours.calls() > first;
    sleep(Duration::from_mins(20)).await;
    format!("again within 2 s: {soon}\nmore than 100 times: {}", ours.calls() > 100)
}

async fn concurrency(world: &World, yaml: &str) -> String {
    const LEASES: usize = 32;
    let ours = Ours { then_hangs: true, ..Ours::new(world, LEASES) };
    let provider = with_source(world, yaml, ours.clone());
    let _fresh = provider.keep_fresh();
    for lease in 0..LEASES {
        let volume = format!("volume-{lease}");
        provider.provide(&context(&provider, world, Scene::Driver, &volume)).await.unwrap();
    }
    ours.signal.notify();
    sleep(Duration::from_secs(1)).await;
    format!("at once {}", ours.inside.load(Ordering::Relaxed))
}

/// How long after now the keys are due.
fn due_in(world: &World, keys: &CachedKeys) -> Duration {
    keys.refresh_at().unwrap().duration_since(world.clock.now()).try_into().unwrap_or_default()
}

/// Lets a refresh that is due take place.
async fn refresh(keys: &CachedKeys) {
    let _current = keys.current();
    sleep(Duration::from_millis(1)).await;
}

async fn cache(world: &World, yaml: &str) -> String {
    let ours = Ours { failure: ErrorKind::Unavailable, ..Ours::new(world, 1) };
    let provider = with_source(world, yaml, ours);
    let keys = provider.cached_keys(&context(&provider, world, Scene::Driver, "v"));
    keys.get().await.unwrap();
    let late = due_in(world, &keys) >= Duration::from_mins(50);
    sleep(Duration::from_mins(44)).await;
    refresh(&keys).await;
    let pause = due_in(world, &keys).as_secs_f64() / 60.0;
    sleep(Duration::from_mins(14) - Duration::from_secs(1)).await;
    refresh(&keys).await;
    let urgent = due_in(world, &keys) <= Duration::from_secs(31);
    format!(
        "due after 50 minutes: {late}\npause of 4 minutes: {}\npause of 1 minute: {}\nurgent 2 minutes before the end: {urgent} ({pause})",
        (3.99..4.01).contains(&pause),
        (0.99..1.01).contains(&pause),
    )
}

async fn silent(world: &World, yaml: &str) -> String {
    let provider = with_source(world, yaml, Ours { then_hangs: true, ..Ours::new(world, 0) });
    let keys = provider.cached_keys(&context(&provider, world, Scene::Driver, "v"));
    keys.get().await.unwrap_err().to_string()
}
