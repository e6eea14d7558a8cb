//! Leases: whose they are, and how long they are held.

use serde_json::{Value, json};

use crate::driver::{CANARY, Driver};
use crate::requests::{publish_with_keys, target_path};

fn published_at(path: &str) -> Value {
    let mut request = publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY);
    request["targetPath"] = json!(path);
    request
}

#[tokio::test]
async fn a_shared_mountpoint_pod_keeps_its_files_until_the_last_holder_goes() {
    let driver = Driver::new();
    let shared = ["--mountpoint-pod-uid", "mp-1"];
    let (one, other) = (published_at(&target_path("one")), published_at(&target_path("other")));
    let first = driver.provide(&one, &shared).await.public_object();
    let second = driver.provide(&other, &shared).await.public_object();
    assert_eq!(first["environment"], second["environment"], "one lease");
    assert_eq!(driver.entries("write")[0], "s3cred@mp-1@photos");

    let cleaned = driver.cleanup(&one, &shared).await.public_object();
    assert_eq!(cleaned, json!({"removed": [], "remainingHolders": 1}));
    assert_eq!(driver.entries("write").len(), 3);
    // The second time it holds no lease, and so removes no file.
    let again = driver.cleanup(&one, &shared).await.public_object();
    assert_eq!(again, json!({"removed": [], "remainingHolders": 1}));
    // The lease is found by its holder where the Mountpoint pod is not named.
    let cleaned = driver.cleanup(&other, &[]).await.public_object();
    assert_eq!(cleaned["remainingHolders"], 0);
    assert_eq!(cleaned["removed"].as_array().unwrap().len(), 3);
    assert_eq!((driver.entries("write"), driver.entries("state")), (vec![], vec![]));
}

#[tokio::test]
async fn a_lease_belongs_to_the_mountpoint_pod_else_the_paths_pod_else_the_requests() {
    let driver = Driver::new();
    driver
        .provide(&published_at(&target_path("path-pod")), &["--mountpoint-pod-uid", "mp-1"])
        .await
        .ok();
    driver.provide(&published_at(&target_path("path-pod")), &[]).await.ok();
    driver.provide(&published_at("/mnt/elsewhere"), &[]).await.ok();
    let leases: Vec<_> =
        driver.entries("write").into_iter().filter(|it| !it.contains('/')).collect();
    assert_eq!(leases, ["s3cred@4a5d@photos", "s3cred@mp-1@photos", "s3cred@path-pod@photos"]);
}

#[tokio::test]
async fn a_lease_of_the_requests_pod_is_found_by_its_holder() {
    let driver = Driver::new();
    driver.provide(&published_at("/mnt/elsewhere"), &[]).await.ok();
    let unpublish = json!({"volumeId": "photos", "targetPath": "/mnt/elsewhere"});
    assert_eq!(driver.cleanup(&unpublish, &[]).await.public_object()["remainingHolders"], 0);
    assert_eq!((driver.entries("write"), driver.entries("state")), (vec![], vec![]));
}

#[tokio::test]
async fn two_volumes_and_two_pods_are_kept_apart() {
    let driver = Driver::new();
    let requests = [
        ("a/b", "p"),
        ("a~b", "p"),
        ("b", "p-a"),
        ("a-b", "p"),
        ("../../etc/passwd", "p"),
        ("a\nb", "p"),
    ]
    .map(|(volume, pod)| {
        let mut request = published_at(&target_path(pod));
        request["volumeId"] = json!(volume);
        request
    });
    for request in &requests {
        driver.provide(request, &[]).await.public_object();
    }
    let directories = || driver.entries("write").into_iter().filter(|it| !it.contains('/')).count();
    assert_eq!(directories(), requests.len());
    for (left, request) in requests.iter().enumerate().map(|(i, it)| (requests.len() - 1 - i, it)) {
        driver.cleanup(request, &[]).await.public_object();
        assert_eq!(directories(), left);
    }
    assert_eq!((driver.entries("write"), driver.entries("state")), (vec![], vec![]));
}
