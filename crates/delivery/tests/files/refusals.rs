//! What the system refuses, and how that is reported.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use s3_credential_core::{ErrorKind, Failure, Owner};
use s3_credential_delivery::{Existing, FileOptions, WritePath};

use crate::support::{Folder, VOLUME, give_away, listing, profile, token, without_privileges};

fn assert_names(failure: &Failure, path: &Path) {
    assert_eq!(failure.kind(), ErrorKind::FileSystem, "{failure}");
    assert!(failure.message().contains(path.to_str().unwrap()), "{failure}");
}

#[test]
fn an_empty_write_path_is_not_the_working_directory() {
    assert_eq!(WritePath::open(Path::new("")).unwrap_err().kind(), ErrorKind::InvalidRequest);
    assert!(WritePath::open_if_exists(Path::new("")).is_err());
}

#[test]
fn a_write_path_that_is_no_directory_is_named() {
    let folder = Folder::new();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [
        folder.path().join("none"),
        folder.path().join("none/none"),
        file.clone(),
        file.join("below"),
    ] {
        assert_names(&WritePath::open(&path).unwrap_err(), &path);
    }
}

#[test]
fn a_write_path_that_is_gone_is_named() {
    let folder = Folder::new();
    let write_path = folder.open();
    fs::remove_dir(folder.write_path()).unwrap();
    let failure = write_path
        .apply(VOLUME, &[token("1")], &FileOptions::default(), Existing::Replace)
        .unwrap_err();
    assert_names(&failure, &folder.volume());
    assert!(write_path.remove(VOLUME).unwrap().is_empty());
}

#[test]
fn a_write_path_without_write_permission_is_named() {
    let folder = Folder::new();
    without_privileges(|| {
        // Root's, or without the permission if the user of the tests is not root.
        fs::set_permissions(folder.write_path(), Permissions::from_mode(0o555)).ok();
        let failure = folder
            .open()
            .apply(VOLUME, &[token("1")], &FileOptions::default(), Existing::Replace)
            .unwrap_err();
        assert_names(&failure, &folder.volume());
        assert!(!failure.help().is_empty());
    });
    assert!(listing(&folder.write_path()).is_empty());
    fs::set_permissions(folder.write_path(), Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn an_owner_that_cannot_be_set_is_an_error_and_leaves_no_file() {
    let folder = Folder::new();
    give_away(&folder.write_path());
    let options = FileOptions { owner: Some(Owner { uid: 0, gid: 0 }), ..FileOptions::default() };
    without_privileges(|| {
        let failure =
            folder.open().apply(VOLUME, &[token("1")], &options, Existing::Replace).unwrap_err();
        assert_names(&failure, &folder.volume());
        assert!(failure.help().contains("CAP_CHOWN"), "{}", failure.help());

        let write_path = folder.published(&profile("1"));
        let before = listing(&folder.write_path());
        assert!(write_path.apply(VOLUME, &profile("2"), &options, Existing::Update).is_err());
        assert_eq!(listing(&folder.write_path()), before);
        write_path.remove(VOLUME).unwrap();
    });
    assert!(listing(&folder.write_path()).is_empty());
}

#[test]
fn a_group_that_cannot_be_set_matters_only_to_who_reads_by_it() {
    let folder = Folder::new();
    // Root's group, and writable by all users.
    fs::set_permissions(folder.write_path(), Permissions::from_mode(0o777)).unwrap();
    let is_own_group = !rustix::process::geteuid().is_root();
    without_privileges(|| {
        let write_path = folder.open();
        let by_group =
            write_path.apply(VOLUME, &[token("1")], &FileOptions::default(), Existing::Replace);
        assert_eq!(by_group.is_ok(), is_own_group);
        if let Err(failure) = by_group {
            assert_names(&failure, &folder.volume());
            assert!(listing(&folder.write_path()).is_empty());
        }
        let options = FileOptions { owner_only: true, ..FileOptions::default() };
        write_path.apply(VOLUME, &[token("1")], &options, Existing::Replace).unwrap();
        write_path.remove(VOLUME).unwrap();
    });
}

#[test]
fn the_largest_number_is_no_owner() {
    let folder = Folder::new();
    for owner in [Owner { uid: u32::MAX, gid: 0 }, Owner { uid: 0, gid: u32::MAX }] {
        let options = FileOptions { owner: Some(owner), ..FileOptions::default() };
        let failure =
            folder.open().apply(VOLUME, &[token("1")], &options, Existing::Replace).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::InvalidConfiguration);
    }
    let options = FileOptions { group: Some(u32::MAX), ..FileOptions::default() };
    assert!(folder.open().apply(VOLUME, &[token("1")], &options, Existing::Replace).is_err());
    assert!(listing(&folder.write_path()).is_empty());
}

#[test]
fn no_failure_shows_the_content() {
    let folder = Folder::new();
    fs::write(folder.volume(), "").unwrap();
    let failure = folder
        .open()
        .apply(VOLUME, &[token("canary-secret")], &FileOptions::default(), Existing::Replace)
        .unwrap_err();
    assert!(!format!("{failure:?} {failure} {}", failure.help()).contains("canary"));
}
