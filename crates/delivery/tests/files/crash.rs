//! What a crash leaves, and who removes it.

use std::fs;

use s3_credential_core::file_names;
use s3_credential_delivery::{Existing, FileOptions, StatePath, WritePath};

use crate::support::{Folder, VOLUME, child, folder_of_child, listing, planned, profile};

/// A process that exceeds its file size is killed in the middle of a write.
const KILLED_IN_A_WRITE: &str = "ulimit -c 0; ulimit -f 4;";

#[test]
fn what_a_crash_leaves_beside_live_files_is_swept() {
    if let Some(folder) = folder_of_child() {
        let files = [
            planned(file_names::CONFIG, "2"),
            planned(file_names::CREDENTIALS, "2".repeat(100_000)),
        ];
        let write_path = WritePath::open(&folder).unwrap();
        drop(write_path.apply(VOLUME, &files, &FileOptions::default(), Existing::Update));
        return;
    }
    let folder = Folder::new();
    let write_path = folder.published(&profile("1"));
    let before = listing(&folder.write_path());
    let test = "crash::what_a_crash_leaves_beside_live_files_is_swept";
    let killed = child(test, &folder.write_path(), KILLED_IN_A_WRITE).output().unwrap();
    assert!(!killed.status.success());
    assert_eq!(listing(&folder.write_path()).len(), before.len() + 2);

    let swept = write_path.sweep_temporary(VOLUME).unwrap();
    assert_eq!(swept.len(), 2);
    assert!(swept.iter().all(|path| path.starts_with(folder.volume())), "{swept:?}");
    assert_eq!(listing(&folder.write_path()), before);
    assert_eq!(write_path.sweep_temporary(VOLUME).unwrap().len(), 0);
}

#[test]
fn a_sweep_of_a_missing_volume_finds_no_file() {
    let folder = Folder::new();
    assert_eq!(folder.open().sweep_temporary(VOLUME).unwrap().len(), 0);
    assert!(listing(&folder.write_path()).is_empty());
}

#[test]
fn what_a_crash_leaves_in_the_state_path_is_swept_unless_it_is_locked() {
    if let Some(folder) = folder_of_child() {
        let mut lock = StatePath::open(&folder).unwrap().try_lock("lease").unwrap().unwrap();
        drop(lock.write(&vec![b'2'; 100_000]));
        return;
    }
    let folder = Folder::new();
    let path = folder.path().join("state");
    let state = StatePath::open(&path).unwrap();
    state.write("lease", b"1").unwrap();
    let before = listing(&path);
    let test = "crash::what_a_crash_leaves_in_the_state_path_is_swept_unless_it_is_locked";
    let killed = child(test, &path, KILLED_IN_A_WRITE).output().unwrap();
    assert!(!killed.status.success());
    assert_eq!(listing(&path).len(), before.len() + 1);
    assert_eq!(state.names().unwrap(), ["lease"]);

    let lock = state.try_lock("lease").unwrap().unwrap();
    assert_eq!(state.sweep().unwrap().len(), 0);
    drop(lock);
    assert_eq!(state.sweep().unwrap().len(), 1);
    assert_eq!(listing(&path), before);
    assert_eq!(fs::read(path.join("lease")).unwrap(), b"1");
}

#[test]
fn a_record_that_was_never_written_is_swept_and_no_other() {
    let folder = Folder::new();
    let path = folder.path().join("state");
    let state = StatePath::open(&path).unwrap();
    // As a crash leaves them: a process that ends does not remove what it has locked.
    for name in ["live", "gone", "held"] {
        drop(state.try_lock(name).unwrap().unwrap());
    }
    state.try_lock("live").unwrap().unwrap().write(b"1").unwrap();
    let held = state.try_lock("held").unwrap().unwrap();
    assert_eq!(state.sweep().unwrap().len(), 0, "an empty file is not worth reporting");
    assert!(!path.join("gone").exists());
    assert!(path.join("live").exists() && path.join("held").exists());
    assert!(state.has("live").unwrap() && !state.has("gone").unwrap());
    held.remove().unwrap();
}
