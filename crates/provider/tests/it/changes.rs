//! What a source reports between two publishes, and what becomes of its volumes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use s3_credential_core::{Changes, Signal};
use s3_credential_provider::{
    CredentialForm, CredentialSource, ErrorKind, Event, Keys, MountTarget, ProvideContext,
    Provider, PublishRequest, SourceChain, SourceError,
};
use tempfile::TempDir;
use tokio::sync::broadcast::Receiver;
use tokio::time::timeout;

/// A source of keys that counts its calls by volume, and panics where a test wants it to.
#[derive(Debug, Default)]
struct Theirs {
    calls: Mutex<BTreeMap<String, u32>>,
    panics_for: Mutex<Option<&'static str>>,
    signal: Signal,
}

#[async_trait::async_trait]
impl CredentialSource for Theirs {
    fn name(&self) -> &'static str {
        "theirs"
    }

    async fn provide(&self, context: &ProvideContext) -> Result<CredentialForm, SourceError> {
        let volume = context.volume_id();
        let panics = *self.panics_for.lock().unwrap() == Some(volume);
        assert!(!panics, "CANARY");
        let mut calls = self.calls.lock().unwrap();
        let count = calls.entry(volume.to_owned()).or_default();
        *count += 1;
        Ok(CredentialForm::Keys(Keys::new(format!("AKIA{count}"), "secret")))
    }

    fn changes(&self) -> Option<Changes> {
        Some(self.signal.subscribe())
    }
}

struct World {
    folder: TempDir,
    theirs: Arc<Theirs>,
    provider: Provider,
    events: Receiver<Event>,
}

impl World {
    /// A driver with a volume of each service account, both of the namespace `team`.
    async fn with_volumes_of(accounts: [&str; 2]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("write")).unwrap();
        let theirs = Arc::<Theirs>::default();
        let provider = Provider::builder()
            .state_path(folder.path().join("state"))
            .pod_chain(SourceChain::first_try(Arc::clone(&theirs)))
            .build()
            .unwrap();
        let events = provider.events();
        let world = Self { folder, theirs, provider, events };
        for account in accounts {
            world.publish(account).await.unwrap();
        }
        world
    }

    async fn publish(&self, account: &str) -> Result<(), ErrorKind> {
        let path = format!("/var/lib/kubelet/pods/{account}/volumes/kubernetes.io~csi/pv/mount");
        let request = PublishRequest::new(account, path).with_volume_context([
            ("authenticationSource", "pod"),
            ("csi.storage.k8s.io/pod.namespace", "team"),
            ("csi.storage.k8s.io/serviceAccount.name", account),
        ]);
        let target = MountTarget::new(self.folder.path().join("write"));
        let context = self.provider.context(request, target).unwrap();
        let provided = self.provider.provide(&context).await;
        provided.map(drop).map_err(|error| error.failure.kind())
    }

    fn calls(&self, volume: &str) -> u32 {
        self.theirs.calls.lock().unwrap()[volume]
    }

    async fn event(&mut self) -> Event {
        timeout(Duration::from_secs(20), self.events.recv()).await.expect("an event").unwrap()
    }
}

#[tokio::test]
async fn a_change_of_one_service_account_refreshes_its_volumes_alone() {
    let mut world = World::with_volumes_of(["reader", "writer"]).await;
    let _rotation = world.provider.keep_fresh();
    tokio::task::yield_now().await;
    world.theirs.signal.notify_service_account("team", "writer");
    let Event::Refreshed { lease, .. } = world.event().await else { panic!("no refresh") };
    assert_eq!(lease.volume_id, "writer");
    assert_eq!((world.calls("reader"), world.calls("writer")), (1, 2));
}

#[tokio::test]
async fn a_source_that_panics_for_one_volume_fails_that_refresh_alone_and_is_asked_again() {
    let mut world = World::with_volumes_of(["reader", "writer"]).await;
    let _rotation = world.provider.keep_fresh();
    tokio::task::yield_now().await;
    *world.theirs.panics_for.lock().unwrap() = Some("reader");
    world.theirs.signal.notify();
    let mut failures = 0;
    for _ in 0..2 {
        match world.event().await {
            Event::RefreshFailed { lease, failure, .. } => {
                assert_eq!(
                    (lease.volume_id.as_str(), failure.kind()),
                    ("reader", ErrorKind::Internal)
                );
                assert!(!format!("{failure:?}").contains("CANARY"));
                failures += 1;
            }
            Event::Refreshed { lease, .. } => assert_eq!(lease.volume_id, "writer"),
            other => panic!("another event: {other:?}"),
        }
    }
    assert_eq!(failures, 1);

    // The watcher of the source is still there, and so is the lease.
    *world.theirs.panics_for.lock().unwrap() = None;
    world.theirs.signal.notify_service_account("team", "reader");
    let Event::Refreshed { lease, .. } = world.event().await else { panic!("no refresh") };
    assert_eq!((lease.volume_id.as_str(), world.calls("reader")), ("reader", 2));
}

#[tokio::test]
async fn a_source_that_panics_in_a_publish_is_an_error_of_that_publish() {
    let world = World::with_volumes_of(["reader", "writer"]).await;
    *world.theirs.panics_for.lock().unwrap() = Some("newcomer");
    assert_eq!(world.publish("newcomer").await, Err(ErrorKind::Internal));
    // A mounted volume keeps what it has: its kubelet tries again.
    *world.theirs.panics_for.lock().unwrap() = Some("reader");
    assert_eq!(world.publish("reader").await, Err(ErrorKind::Unavailable));
    *world.theirs.panics_for.lock().unwrap() = None;
    world.publish("newcomer").await.unwrap();
    world.publish("reader").await.unwrap();
}
