//! An entry of the journal that cannot be read: the trouble of its own lease alone.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use s3_credential_provider::{Provider, ResumeOptions};

use crate::place::{Place, Use};

/// Puts something in the place of a record.
type Poison = fn(&Path);

const POISONS: [(&str, Poison); 6] = [
    ("no JSON", |record| fs::write(record, "{\"version\":1,\"lease\":{\n").unwrap()),
    ("no lease", |record| fs::write(record, "{\"version\":1,\"lease\":{}}\n").unwrap()),
    ("a newer version", |record| {
        let text = fs::read_to_string(record).unwrap();
        fs::write(record, text.replace("\"version\":1,", "\"version\":99,")).unwrap();
    }),
    ("a large file", |record| fs::File::create(record).unwrap().set_len(1 << 40).unwrap()),
    ("a directory", |record| {
        fs::remove_file(record).unwrap();
        fs::create_dir(record).unwrap();
    }),
    ("a link", |record| {
        fs::remove_file(record).unwrap();
        symlink("/dev/zero", record).unwrap();
    }),
];

fn remove(record: &Path) {
    if record.is_dir() {
        fs::remove_dir(record).unwrap();
    } else {
        fs::remove_file(record).unwrap();
    }
}

#[tokio::test]
async fn a_poisoned_entry_is_the_trouble_of_its_own_lease() {
    for (what, poison) in POISONS {
        for restarts in [false, true] {
            let folder = tempfile::tempdir_in("/dev/shm").unwrap();
            let place = Place::new(folder.path());
            let bad = Use::new("token-shared", "a");
            let sharing = Use::new("token-shared", "b");
            let other = Use::new("temporary-served", "a");
            let mut provider = place.provider(&Arc::default());
            for using in [&bad, &sharing, &other] {
                provider.provide(&place.publish(using)).await.unwrap();
            }
            let record = place.state_path().join(place.record(&bad));
            poison(&record);
            if restarts {
                provider = restarted(&place, what).await;
            }
            let case = format!("{what}, restarted: {restarts}");
            work_elsewhere(&place, &provider, &other, &case).await;
            // The other holders are not known, so their files stay.
            if restarts {
                let cleanup = provider.cleanup(&place.unpublish(&bad)).await;
                assert!(cleanup.map_or_else(|error| error.is_retryable(), |_| true), "{case}");
            }
            if let Err(error) = provider.provide(&place.publish(&bad)).await {
                assert!(error.is_retryable(), "{case}: {error}");
            }
            place.newness(&bad);
            remove(&record);
            for using in [&bad, &sharing] {
                provider.provide(&place.publish(using)).await.unwrap();
            }
            for using in [&bad, &sharing] {
                place.newness(&sharing);
                provider.cleanup(&place.unpublish(using)).await.unwrap();
            }
            place.holds_only(&BTreeMap::new());
        }
    }
}

/// The next start adopts what it can read.
async fn restarted(place: &Place, what: &str) -> Provider {
    let provider = place.provider(&Arc::default());
    let resumed = provider.resume(ResumeOptions::default()).await.unwrap();
    assert_eq!((resumed.adopted, resumed.unreadable.len()), (1, 1), "{what}: {resumed:?}");
    assert!(resumed.removed.is_empty() && resumed.failures.is_empty(), "{what}: {resumed:?}");
    provider
}

/// Publishes, refreshes and cleans up volumes whose records are sound.
async fn work_elsewhere(place: &Place, provider: &Provider, mounted: &Use, case: &str) {
    provider.provide(&place.publish(mounted)).await.unwrap();
    provider.cleanup(&place.unpublish(mounted)).await.unwrap();
    for volume in ["token-own", "keys-own"] {
        let using = Use::new(volume, "later");
        let provided = provider.provide(&place.publish(&using)).await;
        provided.unwrap_or_else(|error| panic!("{case}: {error}"));
        let cleanup = provider.cleanup(&place.unpublish(&using)).await;
        cleanup.unwrap_or_else(|error| panic!("{case}: {error}"));
    }
}
