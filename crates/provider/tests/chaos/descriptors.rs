//! A driver that has no file descriptors left, at each number of free ones.

use std::collections::BTreeMap;
use std::os::fd::AsRawFd as _;
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use s3_credential_provider::{Code, ProvideError, Provider, ResumeOptions};

use crate::child::{child, place_of_child};
use crate::place::{Place, Use};

const TEST: &str = "descriptors::without_descriptors_no_mount_loses_a_file_and_no_file_is_left";

/// More descriptors than any operation has open at once.
const FREE: u64 = 16;

#[test]
fn without_descriptors_no_mount_loses_a_file_and_no_file_is_left() {
    if let Some(place) = place_of_child() {
        return run_short(&place);
    }
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let place = Place::new(folder.path());
    // The limit is the whole process's.
    let output = child(TEST, &place, &[]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

fn run_short(place: &Place) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mounted = ["token-own", "temporary-own", "temporary-served", "keys-shared"];
        let mounted = mounted.map(|volume| Use::new(volume, "mounted"));
        let provider = place.provider(&Arc::default());
        for using in &mounted {
            provider.provide(&place.publish(using)).await.unwrap();
        }
        for free in 0..FREE {
            for using in &mounted {
                Box::pin(republish(place, &provider, using, free)).await;
                let new = Use::new(&using.volume, "new");
                Box::pin(publish_and_cleanup(place, &provider, &new, free)).await;
            }
        }
        for using in &mounted {
            provider.cleanup(&place.unpublish(using)).await.unwrap();
        }
        place.holds_only(&BTreeMap::new());
    });
}

async fn republish(place: &Place, provider: &Provider, using: &Use, free: u64) {
    let seen = place.newness(using);
    let context = place.publish(using);
    let result = with_free(free, Box::pin(provider.provide(&context))).await;
    if let Err(error) = result {
        assert_eq!(error.code(), Code::Unavailable, "{using}, {free} free: {error}");
    }
    assert!(place.newness(using) >= seen, "{using}, {free} free");
}

async fn publish_and_cleanup(place: &Place, provider: &Provider, using: &Use, free: u64) {
    let (publish, cleanup) = (place.publish(using), place.unpublish(using));
    check(with_free(free, Box::pin(provider.provide(&publish))).await, using, free);
    // A first publish that failed leaves only what the journal knows.
    let resumed = place.provider(&Arc::default()).resume(unswept(place)).await.unwrap();
    assert!(resumed.unrecorded.is_empty(), "{using}, {free} free: {resumed:?}");
    provider.provide(&publish).await.unwrap();
    check(with_free(free, provider.cleanup(&cleanup)).await, using, free);
    provider.cleanup(&cleanup).await.unwrap();
}

fn unswept(place: &Place) -> ResumeOptions<'static> {
    ResumeOptions { own_write_paths: vec![place.write_path()], ..ResumeOptions::default() }
}

/// No final code: the kubelet tries again.
fn check<T>(result: Result<T, ProvideError>, using: &Use, free: u64) {
    if let Err(error) = result {
        assert!(error.is_retryable(), "{using}, {free} free: {error}");
    }
}

/// Runs an operation while the process may open so many files more.
async fn with_free<T>(free: u64, operation: impl Future<Output = T>) -> T {
    let before = getrlimit(Resource::Nofile);
    let next = std::fs::File::open("/dev/null").unwrap().as_raw_fd();
    let limit = Rlimit { current: Some(u64::try_from(next).unwrap() + free), ..before };
    setrlimit(Resource::Nofile, limit).unwrap();
    let result = operation.await;
    setrlimit(Resource::Nofile, before).unwrap();
    result
}
