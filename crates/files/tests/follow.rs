//! What is noticed, when, and by how many tasks.
#![allow(clippy::unwrap_used, reason = "the helpers of a test fail as tests do")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use s3_credential_core::Changes;
use s3_credential_files::Follower;
use tokio::runtime::Handle;
use tokio::time::{Instant, advance, timeout};

const INTERVAL: Duration = Duration::from_secs(10);
const LONG: Duration = Duration::from_hours(1);

fn generation(volume: &Path, name: &str, text: &str) {
    fs::create_dir(volume.join(name)).unwrap();
    fs::write(volume.join(name).join("token"), text).unwrap();
    symlink(name, volume.join("..data_tmp")).unwrap();
    fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
}

fn volume() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    generation(folder.path(), "..1", "one");
    symlink("..data/token", folder.path().join("token")).unwrap();
    folder
}

fn follower(volume: &tempfile::TempDir) -> Follower {
    Follower::new([volume.path().join("token")], INTERVAL)
}

async fn is_silent(changes: &mut Changes) -> bool {
    timeout(LONG, changes.changed()).await.is_err()
}

#[tokio::test(start_paused = true)]
async fn a_swapped_volume_is_noticed_within_the_interval() {
    let volume = volume();
    let follower = follower(&volume);
    let mut changes = follower.changes().unwrap();
    let mut others = follower.changes().unwrap();
    generation(volume.path(), "..2", "two");
    let started = Instant::now();
    changes.changed().await;
    assert!(started.elapsed() <= INTERVAL + Duration::from_millis(1));
    others.changed().await;
    assert!(is_silent(&mut changes).await, "one change is reported once");
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_file_is_not_reported() {
    let volume = volume();
    let mut changes = follower(&volume).changes().unwrap();
    assert!(is_silent(&mut changes).await);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_goes_and_one_that_comes_are_changes() {
    let volume = volume();
    let mut changes = follower(&volume).changes().unwrap();
    fs::remove_file(volume.path().join("..data")).unwrap();
    changes.changed().await;
    generation(volume.path(), "..2", "two");
    changes.changed().await;
}

#[tokio::test(start_paused = true)]
async fn one_task_serves_all_and_ends_with_the_last_subscriber() {
    let volume = volume();
    let follower = follower(&volume);
    let tasks = || Handle::current().metrics().num_alive_tasks();
    assert_eq!(tasks(), 0, "no task runs before the first subscription");
    let first = follower.changes().unwrap();
    let second = follower.changes().unwrap();
    assert_eq!(tasks(), 1);

    drop(first);
    advance(INTERVAL * 2).await;
    assert_eq!(tasks(), 1);
    drop(second);
    advance(INTERVAL * 2).await;
    // The runtime counts a task until it has been polled to its end.
    while tasks() > 0 {
        tokio::task::yield_now().await;
    }

    let mut again = follower.changes().unwrap();
    assert_eq!(tasks(), 1);
    generation(volume.path(), "..2", "two");
    again.changed().await;
}

#[test]
fn a_follower_outlives_a_runtime_and_needs_one() {
    let volume = volume();
    let follower = follower(&volume);
    assert!(follower.changes().is_none());
    for turn in 2..4 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut changes = follower.changes().unwrap();
            generation(volume.path(), &format!("..{turn}"), "more");
            changes.changed().await;
        });
    }
}
