//! The state path is lost while volumes are mounted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

use s3_credential_provider::{Provider, ResumeOptions};

use crate::place::{Place, Use, VOLUMES};

/// Every volume, mounted by one pod.
fn mounted() -> Vec<Use> {
    VOLUMES.iter().map(|volume| Use::new(volume, "a")).collect()
}

async fn publish_all(place: &Place) -> Provider {
    let provider = place.provider(&Arc::default());
    for using in mounted() {
        provider.provide(&place.publish(&using)).await.unwrap();
    }
    provider
}

/// Republishes and cleans up every volume: none lost a file on the way, and none leaves one.
async fn go_on(place: &Place, provider: &Provider) {
    for using in mounted() {
        let provided = provider.provide(&place.publish(&using)).await;
        provided.unwrap_or_else(|error| panic!("{using}: {error}"));
        place.newness(&using);
    }
    place.holds_only(&mounted().into_iter().map(|using| (using, BTreeSet::new())).collect());
    for using in mounted() {
        provider.cleanup(&place.unpublish(&using)).await.unwrap();
    }
    place.holds_only(&BTreeMap::new());
}

#[tokio::test]
async fn a_state_path_that_is_lost_under_a_running_driver_costs_no_mount_its_files() {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let place = Place::new(folder.path());
    let provider = publish_all(&place).await;
    fs::remove_dir_all(place.state_path()).unwrap();
    go_on(&place, &provider).await;
}

#[tokio::test]
async fn a_record_that_is_removed_is_written_again() {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let place = Place::new(folder.path());
    let provider = publish_all(&place).await;
    for using in mounted() {
        fs::remove_file(place.state_path().join(place.record(&using))).unwrap();
    }
    go_on(&place, &provider).await;
}

#[tokio::test]
async fn directories_of_a_lost_state_path_are_adopted_by_the_next_publish() {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let place = Place::new(folder.path());
    drop(publish_all(&place).await);
    let files = |using: &Use| place.files_of(using);
    let before: Vec<_> = mounted().iter().map(files).collect();
    fs::remove_dir_all(place.state_path()).unwrap();
    let provider = place.provider(&Arc::default());
    let own_write_paths = vec![place.write_path()];
    let options = ResumeOptions { own_write_paths, ..ResumeOptions::default() };
    let resumed = provider.resume(options).await.unwrap();
    assert_eq!(resumed.unrecorded.len(), VOLUMES.len(), "{resumed:?}");
    assert_eq!(mounted().iter().map(files).collect::<Vec<_>>(), before, "a start removes no file");
    go_on(&place, &provider).await;
}

#[tokio::test]
async fn directories_of_a_lost_state_path_are_removed_by_their_cleanup() {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let place = Place::new(folder.path());
    drop(publish_all(&place).await);
    fs::remove_dir_all(place.state_path()).unwrap();
    let provider = place.provider(&Arc::default());
    for using in mounted() {
        // A shared Mountpoint pod is in no unpublish request.
        if using.mountpoint_pod().is_some() {
            provider.provide(&place.publish(&using)).await.unwrap();
        }
        provider.cleanup(&place.unpublish(&using)).await.unwrap();
    }
    place.holds_only(&BTreeMap::new());
}
