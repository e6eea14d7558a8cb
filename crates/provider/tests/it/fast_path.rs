//! A republish without a change is answered from memory, but only as long as the files are
//! untouched.
#![allow(clippy::unwrap_used, reason = "test code: what should not happen stops the test")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use s3_credential_core::{
    CleanupContext, CredentialForm, Environment, Keys, MountTarget, ProvideContext, PublishRequest,
    SourceChain, UnpublishRequest, source_fn,
};
use s3_credential_delivery::{Lock, StatePath};
use s3_credential_provider::{Provided, Provider};
use tempfile::TempDir;

struct World {
    folder: TempDir,
    form: Arc<Mutex<CredentialForm>>,
    provider: Provider,
}

fn keys(id: &str) -> CredentialForm {
    CredentialForm::Keys(Keys::new(id, "wJalrXUtnFEMI"))
}

impl World {
    /// A lease that was found to be as it should be, so that the next republish needs no lock.
    async fn settled() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("write")).unwrap();
        let form = Arc::new(Mutex::new(keys("FIRST")));
        let provider = provider(folder.path(), &form);
        let world = Self { folder, form, provider };
        world.settle().await;
        world
    }

    async fn settle(&self) {
        let provided = self.provide().await;
        for file in &provided.files {
            self.outlast(&file.path);
        }
        self.provide().await;
        let _held = self.hold();
        assert_eq!(self.provide().await.environment, provided.environment);
    }

    /// Until the file system's clock has left the time of the file well behind.
    fn outlast(&self, path: &Path) {
        let changed = |path: &Path| {
            let metadata = fs::metadata(path).unwrap();
            metadata.ctime() * 1_000_000_000 + metadata.ctime_nsec()
        };
        let (probe, from) = (self.folder.path().join("probe"), changed(path));
        while {
            fs::write(&probe, "").unwrap();
            changed(&probe) - from < 100_000_000
        } {
            std::thread::yield_now();
        }
    }

    fn hold(&self) -> Lock {
        let state = StatePath::open(&self.folder.path().join("state")).unwrap();
        let name = state.names().unwrap().remove(0);
        state.try_lock(&name).unwrap().unwrap()
    }

    fn context(&self) -> ProvideContext {
        let target = MountTarget::new(self.folder.path().join("write"));
        let request = PublishRequest::new("volume", "/pods/4a5d/volumes/pv/mount");
        ProvideContext::from_publish_request(request, target).unwrap()
    }

    async fn provide(&self) -> Provided {
        self.provider.provide(&self.context()).await.unwrap()
    }

    async fn clean_up_in_another_process(&self) {
        let other = provider(self.folder.path(), &self.form);
        let request = UnpublishRequest::new("volume", "/pods/4a5d/volumes/pv/mount");
        let write_path = self.folder.path().join("write");
        let context = CleanupContext::from_unpublish_request(&request, write_path, None).unwrap();
        other.cleanup(&context).await.unwrap();
    }
}

fn provider(folder: &Path, form: &Arc<Mutex<CredentialForm>>) -> Provider {
    let form = Arc::clone(form);
    let source = source_fn("test", move |_: ProvideContext| {
        let form = form.lock().unwrap().clone();
        async move { Ok(form) }
    });
    Provider::builder()
        .environment(Environment::default().with("AWS_REGION", "eu-north-1"))
        .state_path(folder.join("state"))
        .driver_chain(SourceChain::first_try(source))
        .build()
        .unwrap()
}

fn contents(provided: &Provided) -> Vec<String> {
    provided.files.iter().map(|file| fs::read_to_string(&file.path).unwrap()).collect()
}

/// `settled` proves it: its last republish is answered while the lock is held.
#[tokio::test]
async fn untouched_files_need_no_lock() {
    let world = World::settled().await;
    let _held = world.hold();
    assert_eq!(world.provide().await.files.len(), 2);
}

#[tokio::test]
async fn whatever_happened_to_a_file_is_mended() {
    let remove = |path: &PathBuf| fs::remove_file(path).unwrap();
    let alter = |path: &PathBuf| {
        let altered = fs::read_to_string(path).unwrap().replace("FIRST", "THIRD");
        fs::write(path, altered).unwrap();
    };
    let open_up =
        |path: &PathBuf| fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
    let link = |path: &PathBuf| fs::hard_link(path, path.with_extension("link")).unwrap();
    let replace = |path: &PathBuf| {
        let copy = path.with_extension("copy");
        fs::write(&copy, "another's").unwrap();
        fs::rename(copy, path).unwrap();
    };
    let empty = |path: &PathBuf| fs::remove_dir_all(path.parent().unwrap()).unwrap();
    let open_directory = |path: &PathBuf| {
        fs::set_permissions(path.parent().unwrap(), fs::Permissions::from_mode(0o777)).unwrap();
    };
    let damages: [&dyn Fn(&PathBuf); 7] =
        [&remove, &alter, &open_up, &link, &replace, &empty, &open_directory];
    for (number, damage) in damages.into_iter().enumerate() {
        let world = World::settled().await;
        let provided = world.provide().await;
        let before = contents(&provided);
        let path = &provided.files[1].path;
        damage(path);
        assert_eq!(contents(&world.provide().await), before, "damage {number}");
        let metadata = fs::metadata(path).unwrap();
        assert_eq!((metadata.mode() & 0o777, metadata.nlink()), (0o640, 1), "damage {number}");
        let directory = fs::metadata(path.parent().unwrap()).unwrap();
        assert_eq!(directory.mode() & 0o777, 0o750, "damage {number}");
    }
}

#[tokio::test]
async fn new_keys_are_written_at_once() {
    let world = World::settled().await;
    *world.form.lock().unwrap() = keys("SECOND");
    assert!(contents(&world.provide().await)[1].contains("SECOND"));
    // And are what is kept from then on.
    world.settle().await;
    assert!(contents(&world.provide().await)[1].contains("SECOND"));
}

#[tokio::test]
async fn another_process_that_cleaned_up_is_noticed() {
    let world = World::settled().await;
    world.clean_up_in_another_process().await;
    assert_eq!(contents(&world.provide().await).len(), 2);
}

#[tokio::test]
async fn a_record_that_is_gone_is_written_again() {
    let world = World::settled().await;
    let state = StatePath::open(&world.folder.path().join("state")).unwrap();
    let name = state.names().unwrap().remove(0);
    state.remove(&name).unwrap();
    world.provide().await;
    assert!(state.has(&name).unwrap());
}

#[tokio::test]
async fn another_identity_is_reported_each_time() {
    let world = World::settled().await;
    *world.form.lock().unwrap() = CredentialForm::InstanceProfile;
    for _ in 0..2 {
        assert!(world.provide().await.identity_changed);
    }
    *world.form.lock().unwrap() = keys("FIRST");
    assert!(!world.provide().await.identity_changed);
}
