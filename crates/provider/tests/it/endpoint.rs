//! Keys by the loopback endpoint, read as a client of the AWS SDK reads them: through rotation, an
//! outage and a restart.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::items_after_statements,
    reason = "test code: what should not happen stops the test"
)]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use jiff::SignedDuration;
use s3_credential_core::{
    Clock as _, CredentialForm, Delivery, ErrorKind, Keys, MountKind, SourceChain, SourceError,
    source_fn,
};
use s3_credential_provider::{
    CleanupContext, Event, MountTarget, ProvideContext, Provided, Provider, PublishRequest,
    ResumeOptions, Settings, UnpublishRequest,
};
use s3_credential_testkit::client::Client;
use s3_credential_testkit::clock::ManualClock;
use tempfile::TempDir;

struct World {
    scratch: TempDir,
    clock: ManualClock,
    calls: Arc<AtomicU32>,
    down: Arc<AtomicBool>,
}

impl World {
    fn new() -> Self {
        // In memory, as the state path of a driver is: what the endpoint keeps for its next run
        // reaches no disk.
        let scratch = tempfile::tempdir_in("/dev/shm").unwrap();
        std::fs::create_dir(scratch.path().join("write")).unwrap();
        Self {
            scratch,
            clock: ManualClock::new(s3_credential_core::Clock::now(
                &s3_credential_core::SystemClock,
            )),
            calls: Arc::default(),
            down: Arc::default(),
        }
    }

    fn provider(&self) -> Provider {
        let (clock, calls, down) =
            (self.clock.clone(), Arc::clone(&self.calls), Arc::clone(&self.down));
        let mint = source_fn("mint", move |_| {
            let keys = format!("AKIA{}", calls.fetch_add(1, Ordering::SeqCst) + 1);
            let expires_at = clock.now() + SignedDuration::from_mins(30);
            let answer = if down.load(Ordering::SeqCst) {
                Err(SourceError::failed(ErrorKind::Unavailable, "the mint is closed"))
            } else {
                Ok(CredentialForm::Keys(
                    Keys::new(keys, "secret")
                        .with_session_token("session")
                        .with_expires_at(expires_at),
                ))
            };
            async move { answer }
        });
        let mut settings = Settings::default();
        // The first run anywhere; the next ones must find out by themselves where that was.
        if !self.scratch.path().join("state").exists() {
            settings.endpoint.address = Some(([127, 0, 0, 1], 0).into());
        }
        let provider = Provider::builder()
            .settings(settings)
            .environment([("AWS_REGION", "eu-north-1")].into_iter().collect())
            .state_path(self.scratch.path().join("state"))
            .clock(self.clock.clone())
            .delivery(Delivery::Endpoint)
            .driver_chain(SourceChain::first_try(mint))
            .build()
            .unwrap();
        provider.serve_endpoint().unwrap();
        provider
    }

    fn write_path(&self) -> std::path::PathBuf {
        self.scratch.path().join("write")
    }

    fn context(&self, kind: MountKind) -> ProvideContext {
        let target = MountTarget::new(self.write_path()).with_kind(kind);
        ProvideContext::from_publish_request(PublishRequest::new("v", TARGET), target).unwrap()
    }

    async fn published(&self, provider: &Provider) -> Provided {
        provider.provide(&self.context(MountKind::Systemd)).await.unwrap()
    }
}

const TARGET: &str = "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount";

/// Asks for keys as Mountpoint would: only with the environment.
async fn access_key_id(provided: &Provided) -> Result<String, String> {
    let variables =
        provided.environment.iter().map(|(name, value)| (name.as_str(), value.expose()));
    let keys = Client::new(variables).keys().await.map_err(|error| error.to_string())?;
    Ok(keys.access_key_id.expose().to_owned())
}

/// The run is over. Its tasks end when the runtime comes to them.
async fn end(provider: Provider) {
    drop(provider);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

fn files(path: &Path) -> usize {
    std::fs::read_dir(path).unwrap().count()
}

#[tokio::test]
async fn a_client_gets_keys_and_after_cleanup_none() {
    let world = World::new();
    let provider = world.provider();
    let provided = world.published(&provider).await;
    assert!(
        provided.environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
            .expose()
            .starts_with("http://127.0.0.1:")
    );
    assert_eq!(access_key_id(&provided).await.unwrap(), "AKIA1");
    let request = UnpublishRequest::new("v", TARGET);
    provider
        .cleanup(
            &CleanupContext::from_unpublish_request(&request, world.write_path(), None).unwrap(),
        )
        .await
        .unwrap();
    assert!(access_key_id(&provided).await.is_err());
    assert_eq!(files(&world.write_path()), 0);
    assert_eq!(files(&world.scratch.path().join("state/.endpoint")), 0);
}

#[tokio::test]
async fn valid_keys_are_served_through_an_outage_and_new_ones_as_soon_as_there_are_any() {
    let world = World::new();
    let provider = world.provider();
    let provided = world.published(&provider).await;
    world.down.store(true, Ordering::SeqCst);
    world.clock.advance(std::time::Duration::from_mins(29));
    assert_eq!(access_key_id(&provided).await.unwrap(), "AKIA1");
    world.clock.advance(std::time::Duration::from_mins(2));
    assert!(access_key_id(&provided).await.is_err(), "expired keys are not served");
    world.down.store(false, Ordering::SeqCst);
    // After repeated failures, clients are answered for some seconds without a call to the
    // upstream.
    world.clock.advance(std::time::Duration::from_secs(10));
    let renewed = access_key_id(&provided).await.unwrap();
    assert_ne!(renewed, "AKIA1", "a client that asks is reason enough to try again");
}

#[tokio::test]
async fn a_republish_renews_the_keys_and_keeps_the_token_and_the_address() {
    let world = World::new();
    let provider = world.provider();
    let first = world.published(&provider).await;
    let token = std::fs::read(first.files[0].path.clone()).unwrap();
    let second = world.published(&provider).await;
    assert_eq!(second.environment, first.environment);
    assert_eq!(std::fs::read(first.files[0].path.clone()).unwrap(), token);
    assert_eq!(access_key_id(&first).await.unwrap(), "AKIA2");
}

#[tokio::test]
async fn a_failing_republish_takes_no_keys_from_a_client() {
    let world = World::new();
    let provider = world.provider();
    let provided = world.published(&provider).await;
    world.down.store(true, Ordering::SeqCst);
    let error = provider.provide(&world.context(MountKind::Systemd)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(access_key_id(&provided).await.unwrap(), "AKIA1");
}

#[tokio::test]
async fn the_next_run_serves_the_same_address_and_token_even_while_the_upstream_is_down() {
    let world = World::new();
    let provider = world.provider();
    let provided = world.published(&provider).await;
    end(provider).await;
    world.down.store(true, Ordering::SeqCst);
    let provider = world.provider();
    let resumed = provider.resume(ResumeOptions::default()).await.unwrap();
    assert_eq!(resumed.adopted, 1, "{resumed:?}");
    assert_eq!(access_key_id(&provided).await.unwrap(), "AKIA1");
}

#[tokio::test]
async fn a_next_run_without_the_kept_secrets_brings_a_new_token_at_once() {
    let world = World::new();
    let provider = world.provider();
    let provided = world.published(&provider).await;
    end(provider).await;
    std::fs::remove_dir_all(world.scratch.path().join("state/.endpoint")).unwrap();
    world.clock.advance(std::time::Duration::from_mins(1));
    let provider = world.provider();
    let mut events = provider.events();
    provider.resume(ResumeOptions::default()).await.unwrap();
    let _fresh = provider.keep_fresh();
    while !matches!(events.recv().await.unwrap(), Event::Refreshed { .. }) {}
    assert_eq!(access_key_id(&provided).await.unwrap(), "AKIA2");
}

#[tokio::test]
async fn what_is_kept_for_the_next_run_goes_with_its_lease_whichever_process_removes_it() {
    let world = World::new();
    let kept = world.scratch.path().join("state/.endpoint");
    let provider = world.provider();
    world.published(&provider).await;
    assert_eq!(files(&kept), 1);
    end(provider).await;
    let unpublished = |_: &str| false;
    let options = ResumeOptions { still_published: Some(&unpublished), ..ResumeOptions::default() };
    let provider = world.provider();
    provider.resume(options).await.unwrap();
    assert_eq!(files(&kept), 0, "a start that finds the volume unpublished");

    world.published(&provider).await;
    assert_eq!(files(&kept), 1);
    let other = Provider::builder().state_path(world.scratch.path().join("state")).build().unwrap();
    let request = UnpublishRequest::new("v", TARGET);
    let cleanup = CleanupContext::from_unpublish_request(&request, world.write_path(), None);
    other.cleanup(&cleanup.unwrap()).await.unwrap();
    assert_eq!(files(&kept), 0, "a process that serves no lease");

    std::fs::write(kept.join("s3cred@of-no-lease"), "secret").unwrap();
    provider.resume(ResumeOptions::default()).await.unwrap();
    assert_eq!(files(&kept), 0, "what no journal knows");
}

#[tokio::test]
async fn a_mountpoint_pod_cannot_be_served() {
    let world = World::new();
    let error = world.provider().provide(&world.context(MountKind::Pod)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsupportedDelivery);
    assert_eq!(files(&world.write_path()), 0);
}

#[tokio::test]
async fn no_data_of_the_endpoint_is_in_the_journal_or_shown() {
    let world = World::new();
    let provider = world.provider();
    let provided = world.published(&provider).await;
    let token = std::fs::read_to_string(provided.files[0].path.clone()).unwrap();
    let mut seen = format!("{provider:?}{provided:?}{:?}", provider.leases());
    for entry in std::fs::read_dir(world.scratch.path().join("state")).unwrap().flatten() {
        seen += &std::fs::read_to_string(entry.path()).unwrap_or_default();
    }
    assert!(!seen.contains(&token) && !seen.contains("AKIA1"));
}

#[derive(Debug, Default)]
struct Recorder(std::sync::Mutex<Vec<String>>);

impl s3_credential_provider::EndpointBackend for Recorder {
    fn uri(&self, lease: &str) -> String {
        format!("http://127.0.0.1:9/v1/volumes/{lease}")
    }

    fn grant(
        &self,
        _: &str,
        token: &s3_credential_core::Secret,
        keys: &Keys,
    ) -> Result<(), s3_credential_core::Failure> {
        let grant = format!("{} {}", keys.access_key_id.expose(), token.expose());
        self.0.lock().unwrap().push(grant);
        Ok(())
    }

    fn revoke(&self, _: &str) {
        self.0.lock().unwrap().push("revoked".to_owned());
    }
}

#[tokio::test]
async fn an_endpoint_of_another_process_is_told_of_each_grant_and_of_the_end() {
    let scratch = tempfile::tempdir_in("/dev/shm").unwrap();
    let calls = Arc::new(AtomicU32::new(0));
    let mint = source_fn("mint", move |_| {
        let keys = format!("AKIA{}", calls.fetch_add(1, Ordering::SeqCst) + 1);
        async move { Ok(CredentialForm::Keys(Keys::new(keys, "secret"))) }
    });
    let provider = Provider::builder()
        .environment([("AWS_REGION", "eu-north-1")].into_iter().collect())
        .state_path(scratch.path().join("state"))
        .delivery(Delivery::Endpoint)
        .driver_chain(SourceChain::first_try(mint))
        .build()
        .unwrap();
    let recorder = Arc::new(Recorder::default());
    provider.use_endpoint_backend(Arc::clone(&recorder) as _).unwrap();
    provider.use_endpoint_backend(Arc::clone(&recorder) as _).unwrap_err();
    let running = provider.start(ResumeOptions::default()).await.unwrap();
    let target = MountTarget::new(scratch.path()).with_kind(MountKind::Systemd);
    let request = || PublishRequest::new("v", TARGET);
    let provided = running.publish(request(), target.clone()).await.unwrap();
    let uri = provided.environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"].expose().to_owned();
    assert!(uri.starts_with("http://127.0.0.1:9/v1/volumes/"), "{uri}");
    running.publish(request(), target.clone()).await.unwrap();
    running.unpublish(&UnpublishRequest::new("v", TARGET), &target).await.unwrap();
    running.stop().await;
    let calls = recorder.0.lock().unwrap().clone();
    let [first, second, end] = calls.as_slice() else { panic!("{calls:?}") };
    let token = |grant: &str| grant.split_once(' ').unwrap().1.to_owned();
    assert!(first.starts_with("AKIA1 ") && second.starts_with("AKIA2 "), "{calls:?}");
    assert_eq!((token(first), end.as_str()), (token(second), "revoked"));
}

/// A provider of the same state path, which is configured for this address.
fn provider_at(world: &World, address: SocketAddr) -> Provider {
    provider_in(&world.scratch.path().join("state"), address)
}

fn provider_in(state_path: &Path, address: SocketAddr) -> Provider {
    let mut settings = Settings::default();
    settings.endpoint.address = Some(address);
    let mint = source_fn("mint", |_| async {
        Ok(CredentialForm::Keys(Keys::new("AKIA9", "secret").with_session_token("session")))
    });
    Provider::builder()
        .settings(settings)
        .environment([("AWS_REGION", "eu-north-1")].into_iter().collect())
        .state_path(state_path)
        .delivery(Delivery::Endpoint)
        .driver_chain(SourceChain::first_try(mint))
        .build()
        .unwrap()
}

const ANY_PORT: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

#[tokio::test]
async fn a_restart_serves_live_mounts_at_their_address_whatever_port_is_configured() {
    let world = World::new();
    let first = provider_at(&world, ANY_PORT.into());
    let address = first.serve_endpoint().unwrap();
    let provided = world.published(&first).await;
    end(first).await;
    let free = std::net::TcpListener::bind(SocketAddr::from(ANY_PORT)).unwrap().local_addr();
    for configured in [ANY_PORT.into(), free.unwrap()] {
        let next = provider_at(&world, configured);
        let running = next.start(ResumeOptions::default()).await.unwrap();
        assert_eq!(access_key_id(&provided).await.unwrap(), "AKIA9");
        let warnings = running.provider().endpoint_warnings().join("\n");
        let is_moved = warnings.contains(&address.to_string()) && warnings.contains("takes effect");
        assert_eq!(is_moved, configured.port() != 0, "{warnings}");
        running.stop().await;
    }
}

#[tokio::test]
async fn a_start_whose_live_mounts_ask_a_taken_address_succeeds_and_reports_it() {
    let world = World::new();
    let first = provider_at(&world, ANY_PORT.into());
    let address = first.serve_endpoint().unwrap();
    world.published(&first).await;
    end(first).await;
    let _taken = std::net::TcpListener::bind(address).unwrap();
    let next = provider_at(&world, ANY_PORT.into());
    let running = next.start(ResumeOptions::default()).await.unwrap();
    let warnings = running.provider().endpoint_warnings().join("\n");
    assert!(warnings.contains(&format!("{address}, and get no keys")), "{warnings}");
    running.stop().await;
}

#[tokio::test]
async fn a_state_path_on_a_disk_is_reported_at_the_start_of_an_endpoint() {
    // The build directory is on a disk, as /var/lib is.
    let disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    if s3_credential_delivery::is_in_memory(disk.path()) {
        return;
    }
    let provider = provider_in(&disk.path().join("state"), ANY_PORT.into());
    let running = provider.start(ResumeOptions::default()).await.unwrap();
    let warnings = running.provider().endpoint_warnings().join("\n");
    assert!(warnings.contains("the state path is on a disk"), "{warnings}");
    running.stop().await;
}
