//! `cleanup`, whatever there is to clean.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;

use crate::driver::{CANARY, Driver};
use crate::requests::publish_with_keys;

#[tokio::test]
async fn what_was_removed_is_reported_in_both_outputs() {
    let driver = Driver::new();
    let request = publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY);
    driver.provide(&request, &[]).await.ok();
    let cleaned = driver.cleanup(&request, &[]).await.public_object();
    let directory = driver.path("write/s3cred@4a5d@photos");
    let mut removed: Vec<_> =
        cleaned["removed"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    removed.sort_unstable();
    let expected =
        ["", "/config", "/credentials"].map(|name| format!("{}{name}", directory.display()));
    assert_eq!(removed, expected);

    driver.provide(&request, &[]).await.ok();
    let lines = driver.cleanup_in_lines(&request, &[]).await;
    assert_eq!(lines.ok().lines().count(), 3);
}

#[tokio::test]
async fn cleaning_twice_or_what_never_was_is_fine() {
    let driver = Driver::new();
    let request = publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY);
    let empty = json!({"removed": [], "remainingHolders": 0});
    assert_eq!(driver.cleanup(&request, &[]).await.public_object(), empty);
    driver.provide(&request, &[]).await.ok();
    driver.cleanup(&request, &[]).await.ok();
    assert_eq!(driver.cleanup(&request, &[]).await.public_object(), empty);
    fs::remove_dir(driver.path("write")).unwrap();
    assert_eq!(
        driver.cleanup(&request, &[]).await.public_object(),
        empty,
        "the write path is gone"
    );
}

#[tokio::test]
async fn strangers_in_the_volumes_directory_go_and_what_they_point_at_stays() {
    let driver = Driver::new();
    let request = publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY);
    driver.provide(&request, &[]).await.ok();
    let victim = driver.file("victim", "untouched");
    let directory = driver.path("write/s3cred@4a5d@photos");
    symlink(&victim, directory.join("link")).unwrap();
    fs::create_dir_all(directory.join("deep/er")).unwrap();
    fs::write(directory.join("deep/er/file"), "x").unwrap();
    fs::write(driver.path("write/unrelated"), "x").unwrap();
    driver.cleanup(&request, &[]).await.public_object();
    assert_eq!(driver.entries("write"), ["unrelated"]);
    assert_eq!(fs::read_to_string(victim).unwrap(), "untouched");
}

#[tokio::test]
async fn the_volume_can_be_cleaned_by_a_driver_with_another_environment() {
    let driver = Driver::new();
    let request = publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY);
    driver.provide(&request, &[]).await.ok();
    let driver =
        driver.with("AWS_ROLE_ARN", "half").with("KUBECONFIG", "/nowhere").with("AWS_REGION", "!");
    driver.cleanup(&request, &["--mount-kind", "systemd"]).await.public_object();
    assert_eq!((driver.entries("write"), driver.entries("state")), (vec![], vec![]));
}
