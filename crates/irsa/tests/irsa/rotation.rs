//! The kubelet replaces the token.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use s3_credential_core::{CredentialSource as _, Environment};
use s3_credential_irsa::{IrsaSettings, IrsaSource};
use tokio::time::{Instant, timeout};

use crate::{Driver, at_level, jwt, provided};

/// As the kubelet does: a new generation, the link swapped by a rename, the old generation removed.
fn replace(volume: &Path, generation: &str, token: &str) {
    let old = fs::read_link(volume.join("..data")).ok();
    fs::create_dir(volume.join(generation)).unwrap();
    fs::write(volume.join(generation).join("token"), token).unwrap();
    symlink(generation, volume.join("..data_tmp")).unwrap();
    fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
    match old {
        Some(old) => fs::remove_dir_all(volume.join(old)).unwrap(),
        None => symlink("..data/token", volume.join("token")).unwrap(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_replaced_token_is_reported_and_the_new_one_provided() {
    let driver = Driver::new();
    let (first, second) = (jwt(), jwt());
    replace(driver.path(), "..1", &first);
    let source = driver.source(IrsaSettings::default());
    let mut changes = source.changes().unwrap();
    let token = async || provided(&source, &at_level("driver")).await.token;
    assert_eq!(token().await.secret().expose(), first);

    replace(driver.path(), "..2", &second);
    assert_eq!(token().await.secret().expose(), second, "read at each call, reported or not");
    let started = Instant::now();
    changes.changed().await;
    assert!(started.elapsed() <= Duration::from_secs(11));
    let silence = timeout(Duration::from_hours(1), changes.changed()).await;
    assert!(silence.is_err(), "one replacement is reported once");
}

#[tokio::test(start_paused = true)]
async fn the_interval_is_the_settings() {
    let driver = Driver::new();
    replace(driver.path(), "..1", "one");
    let source =
        driver.source(IrsaSettings { poll_interval: Duration::from_mins(5), ..Default::default() });
    let mut changes = source.changes().unwrap();
    replace(driver.path(), "..2", "two");
    let started = Instant::now();
    changes.changed().await;
    assert!(started.elapsed() >= Duration::from_mins(5));
}

#[tokio::test(start_paused = true)]
async fn many_volumes_share_one_task_which_ends_with_them() {
    let driver = Driver::with_token("one");
    let source = driver.source(IrsaSettings::default());
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    assert_eq!(tasks(), 0);
    let volumes: Vec<_> = (0..100).map(|_| source.changes().unwrap()).collect();
    assert_eq!(tasks(), 1);
    drop(volumes);
    while tasks() > 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test]
async fn without_a_token_file_there_is_no_file_to_follow() {
    let driver = Driver::new();
    let source = IrsaSource::new(Environment::default(), driver.clock, IrsaSettings::default());
    assert!(source.unwrap().changes().is_none());
}
