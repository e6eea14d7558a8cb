//! A changed configuration takes effect with the next start, and changes no live volume.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use s3_credential_provider::{
    Environment, Event, MountTarget, ProvideContext, Provider, PublishRequest, ResumeOptions,
};
use tempfile::TempDir;

use crate::config::schema::parse;

const LEASES: usize = 100;

/// A driver whose keys are in one of two mounted Secrets, as its configuration says.
struct World {
    scratch: TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self { scratch: tempfile::tempdir().unwrap() };
        for name in ["old", "new", "write"] {
            fs::create_dir(world.path(name)).unwrap();
        }
        world.put_key("old", "AKIAOLD");
        world.put_key("new", "AKIANEW");
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn put_key(&self, folder: &str, id: &str) {
        fs::write(self.path(folder).join("key_id"), id).unwrap();
        fs::write(self.path(folder).join("access_key"), "secret").unwrap();
    }

    /// A start of the driver with this chain.
    fn start(&self, chain: &str) -> Provider {
        let text = format!(
            "chains: {{driver: [{chain}]}}\nsources:\n  old: {{type: secret-directory, path: {}}}\n  new: {{type: secret-directory, path: {}}}\nstatePath: {}\n",
            self.path("old").display(),
            self.path("new").display(),
            self.path("state").display(),
        );
        let environment = Environment::default().with("AWS_EC2_METADATA_DISABLED", "true");
        Provider::from_config(parse("c.yaml", &text).unwrap(), environment).unwrap()
    }

    fn context(&self, lease: usize) -> ProvideContext {
        let target =
            format!("/var/lib/kubelet/pods/pod-{lease}/volumes/kubernetes.io~csi/pv/mount");
        let request = PublishRequest::new(format!("volume-{lease}"), target);
        ProvideContext::from_publish_request(request, MountTarget::new(self.path("write"))).unwrap()
    }

    async fn publish_all(&self, chain: &str) -> BTreeMap<PathBuf, String> {
        let provider = self.start(chain);
        for lease in 0..LEASES {
            provider.provide(&self.context(lease)).await.unwrap();
        }
        let files = self.files();
        assert_eq!(files.values().filter(|text| text.contains("AKIAOLD")).count(), LEASES);
        files
    }

    /// Everything that Mountpoint could read.
    fn files(&self) -> BTreeMap<PathBuf, String> {
        fn walk(path: &Path, found: &mut BTreeMap<PathBuf, String>) {
            for entry in fs::read_dir(path).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, found);
                } else {
                    let text = fs::read_to_string(&path).unwrap();
                    found.insert(path, text);
                }
            }
        }
        let mut found = BTreeMap::new();
        walk(&self.path("write"), &mut found);
        found
    }
}

#[tokio::test]
async fn a_start_with_another_chain_changes_no_live_volume_and_reports_each() {
    for chain in ["new, old", "new"] {
        let world = World::new();
        let before = world.publish_all("old").await;

        let provider = world.start(chain);
        let mut events = provider.events();
        let resumed = provider.resume(ResumeOptions::default()).await.unwrap();
        assert_eq!((resumed.adopted, resumed.failures.len()), (LEASES, 0), "{chain}");
        assert!(resumed.removed.is_empty());
        assert_eq!(world.files(), before, "{chain}");

        for lease in 0..LEASES {
            let provided = provider.provide(&world.context(lease)).await.unwrap();
            assert!(provided.identity_changed, "{chain}");
            assert_eq!(provided.identity.source.as_deref(), Some("old"), "{chain}");
        }
        assert_eq!(world.files(), before, "{chain}");
        let mut reported = 0;
        while let Ok(event) = events.try_recv() {
            reported += usize::from(matches!(event, Event::IdentityChanged { .. }));
        }
        assert_eq!(reported, LEASES, "{chain}");
    }
}

#[tokio::test]
async fn a_volume_of_an_earlier_chain_still_gets_its_own_sources_newer_keys() {
    let world = World::new();
    world.publish_all("old").await;
    let provider = world.start("new, old");
    provider.resume(ResumeOptions::default()).await.unwrap();

    world.put_key("old", "AKIAOLDER");
    let provided = provider.provide(&world.context(0)).await.unwrap();
    assert!(provided.identity_changed);
    let keys = provided.environment["AWS_SHARED_CREDENTIALS_FILE"].expose();
    assert!(fs::read_to_string(keys).unwrap().contains("AKIAOLDER"));
}

#[tokio::test]
async fn a_volume_that_is_not_mounted_any_more_gets_what_the_new_chain_chooses() {
    let world = World::new();
    world.publish_all("old").await;
    let provider = world.start("new");
    provider.resume(ResumeOptions::default()).await.unwrap();

    let request = PublishRequest::new(
        "volume-0",
        "/var/lib/kubelet/pods/pod-0/volumes/kubernetes.io~csi/pv/mount",
    );
    let target = MountTarget::new(world.path("write")).with_mounted(false);
    let context = ProvideContext::from_publish_request(request, target).unwrap();
    let provided = provider.provide(&context).await.unwrap();
    assert!(!provided.identity_changed);
    assert_eq!(provided.identity.source.as_deref(), Some("new"));
}

#[tokio::test]
async fn the_same_chain_again_is_no_change() {
    let world = World::new();
    let before = world.publish_all("old").await;
    let provider = world.start("old");
    let mut events = provider.events();
    provider.resume(ResumeOptions::default()).await.unwrap();
    for lease in 0..LEASES {
        assert!(!provider.provide(&world.context(lease)).await.unwrap().identity_changed);
    }
    assert_eq!(world.files(), before);
    while let Ok(event) = events.try_recv() {
        assert!(matches!(event, Event::Adopted { .. }), "{event:?}");
    }
}
