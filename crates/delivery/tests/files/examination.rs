//! The state of directories, reported without a change.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use s3_credential_core::ErrorKind;
use s3_credential_delivery::{StatePath, WritePath, effective_uid, has_openat2};

use crate::support::without_privileges;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_write_path_reports_its_mode_owner_and_whether_it_is_in_memory() {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    set_mode(folder.path(), 0o2751);
    let state = WritePath::open(folder.path()).unwrap().examine().unwrap();
    assert_eq!((state.mode, state.owner.uid), (0o2751, effective_uid()));
    assert!(state.is_in_memory && !state.is_full);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_write_path_that_cannot_be_written_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    set_mode(folder.path(), 0o555);
    let examined = without_privileges(|| WritePath::open(folder.path()).unwrap().examine());
    let failure = examined.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::FileSystem);
    assert!(failure.message().contains("cannot write"), "{failure}");
}

#[test]
fn a_state_path_that_is_not_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    assert_eq!(StatePath::examine(&path).unwrap(), None);
    assert!(!path.exists());
    let failure = StatePath::examine(&path.join("deeper")).unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::FileSystem);
}

#[test]
fn a_state_path_that_others_may_write_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    set_mode(folder.path(), 0o700);
    assert_eq!(StatePath::examine(folder.path()).unwrap().unwrap().mode, 0o700);
    set_mode(folder.path(), 0o722);
    let failure = StatePath::examine(folder.path()).unwrap_err();
    assert!(failure.help().contains("0700"), "{failure:?}");
}

#[test]
fn this_kernel_is_asked_for_openat2() {
    // Whatever it says, the removal of a directory beneath a write path goes the way that it says.
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split('.').map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap(), numbers.next().unwrap_or(0));
    assert!(version < (5, 6) || has_openat2());
}
