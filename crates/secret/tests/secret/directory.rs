//! `secret-directory`, on real files.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use s3_credential_core::{CredentialSource as _, ErrorKind, source_names};
use s3_credential_secret::{KeyNames, SecretDirectorySettings, SecretDirectorySource};
use tokio::time::{Instant, timeout};

use crate::{assert_pair, assert_reports, at_level, failure, keys, skipped};

/// As the kubelet mounts a Secret, and replaces it: a new generation, the link swapped by a rename,
/// the old one removed.
fn mount(volume: &Path, generation: &str, entries: &[(&str, &str)]) {
    let old = fs::read_link(volume.join("..data")).ok();
    fs::create_dir(volume.join(generation)).unwrap();
    for (name, value) in entries {
        fs::write(volume.join(generation).join(name), value).unwrap();
        let link = volume.join(name);
        if link.symlink_metadata().is_err() {
            symlink(Path::new("..data").join(name), link).unwrap();
        }
    }
    symlink(generation, volume.join("..data_tmp")).unwrap();
    fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
    if let Some(old) = old {
        fs::remove_dir_all(volume.join(old)).unwrap();
    }
}

fn source(path: &Path) -> SecretDirectorySource {
    SecretDirectorySource::new(SecretDirectorySettings::new(path)).unwrap()
}

#[tokio::test]
async fn a_mounted_secret_is_read_at_each_call() {
    let volume = tempfile::tempdir().unwrap();
    mount(volume.path(), "..1", &[("key_id", "id-1"), ("access_key", "key-1")]);
    let source = source(volume.path());
    assert_eq!(source.name(), source_names::SECRET_DIRECTORY);
    assert_pair(&keys(&source, &at_level("driver")).await, "id-1", "key-1");

    let second = [
        ("key_id", "id-2"),
        ("access_key", "key-2"),
        ("session_token", "t"),
        ("region", "eu-north-1"),
        ("endpoint", "https://s3.example"),
    ];
    mount(volume.path(), "..2", &second);
    let found = keys(&source, &at_level("driver")).await;
    assert_pair(&found, "id-2", "key-2");
    assert!(found.is_temporary());
    assert_eq!(found.region.unwrap().as_str(), "eu-north-1");
    assert_eq!(found.endpoint.as_deref(), Some("https://s3.example"));
}

#[tokio::test]
async fn configured_names_are_files_too() {
    let volume = tempfile::tempdir().unwrap();
    mount(volume.path(), "..1", &[("user", "id"), ("password", "key")]);
    let key_names = Some(KeyNames {
        access_key_id: "user".to_owned(),
        secret_access_key: "password".to_owned(),
        ..KeyNames::default()
    });
    let settings =
        SecretDirectorySettings { key_names, ..SecretDirectorySettings::new(volume.path()) };
    let source = SecretDirectorySource::new(settings).unwrap().with_name("legacy");
    assert_eq!(source.name(), "legacy");
    assert_pair(&keys(&source, &at_level("driver")).await, "id", "key");

    let key_names = Some(KeyNames { access_key_id: "../token".to_owned(), ..KeyNames::default() });
    let settings =
        SecretDirectorySettings { key_names, ..SecretDirectorySettings::new(volume.path()) };
    assert_reports(
        &SecretDirectorySource::new(settings).unwrap_err(),
        ErrorKind::Misconfigured,
        &["key name"],
    );
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_a_matter_of_the_drivers_set_up() {
    let failure = failure(&source(Path::new("/no/such/\nplace")), &at_level("driver")).await;
    assert_reports(
        &failure,
        ErrorKind::Misconfigured,
        &["\"/no/such/\\nplace\" does not exist", "mount the Secret"],
    );
    assert!(!failure.message().contains('\n'));
}

#[tokio::test]
async fn an_optional_secret_that_does_not_exist_is_not_found() {
    let volume = tempfile::tempdir().unwrap();
    mount(volume.path(), "..1", &[]);
    let failure = failure(&source(volume.path()), &at_level("driver")).await;
    assert_reports(
        &failure,
        ErrorKind::NotFound,
        &["neither of `key_id` and `access_key`", "optional"],
    );
}

#[tokio::test]
async fn an_entry_that_is_half_malformed_or_no_file_is_refused_by_name() {
    let volume = tempfile::tempdir().unwrap();
    let source = source(volume.path());
    mount(volume.path(), "..1", &[("key_id", "id")]);
    let half = failure(&source, &at_level("driver")).await;
    assert_reports(&half, ErrorKind::InvalidSecret, &["`access_key` is missing", "the directory"]);

    mount(volume.path(), "..2", &[("key_id", "id"), ("access_key", "canary\n")]);
    let newline = failure(&source, &at_level("driver")).await;
    assert_reports(&newline, ErrorKind::InvalidSecret, &["`access_key` of the directory", "echo"]);
    assert!(!format!("{newline:?}").contains("canary"));

    mount(volume.path(), "..3", &[("key_id", "id"), ("access_key", &"k".repeat(1 << 20))]);
    let large = failure(&source, &at_level("driver")).await;
    assert_reports(
        &large,
        ErrorKind::InvalidSecret,
        &["`access_key` of the directory", "larger than"],
    );

    mount(volume.path(), "..4", &[("key_id", "id")]);
    let made = std::process::Command::new("mkfifo")
        .arg(volume.path().join("..4/access_key"))
        .status()
        .unwrap();
    assert!(made.success());
    let fifo =
        timeout(Duration::from_mins(1), failure(&source, &at_level("driver"))).await.unwrap();
    assert_reports(
        &fifo,
        ErrorKind::Misconfigured,
        &["`access_key` of the directory", "not a regular file"],
    );
}

#[tokio::test]
async fn pods_never_get_them() {
    let volume = tempfile::tempdir().unwrap();
    mount(volume.path(), "..1", &[("key_id", "id"), ("access_key", "key")]);
    assert!(skipped(&source(volume.path()), &at_level("pod")).await.contains("pod level"));
}

#[tokio::test(start_paused = true)]
async fn a_replaced_secret_is_reported() {
    let volume = tempfile::tempdir().unwrap();
    mount(volume.path(), "..1", &[("key_id", "id-1"), ("access_key", "key-1")]);
    let source = source(volume.path());
    let mut changes = source.changes().unwrap();
    mount(volume.path(), "..2", &[("key_id", "id-2"), ("access_key", "key-2")]);
    let started = Instant::now();
    changes.changed().await;
    assert!(started.elapsed() <= Duration::from_secs(11));
    assert_pair(&keys(&source, &at_level("driver")).await, "id-2", "key-2");

    mount(
        volume.path(),
        "..3",
        &[("key_id", "id-2"), ("access_key", "key-2"), ("session_token", "t")],
    );
    changes.changed().await;
    let silence = timeout(Duration::from_hours(1), changes.changed()).await;
    assert!(silence.is_err(), "one replacement is reported once");
}
