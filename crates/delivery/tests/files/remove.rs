//! What goes, and what stays.

use std::fs::{self, Permissions};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use proptest::prelude::*;
use rustix::fs::{CWD, Mode, OFlags, mkdirat, mkfifoat, openat};
use s3_credential_core::file_names;
use s3_credential_delivery::{Existing, FileOptions, WritePath, directory_name};

use crate::support::{
    Folder, VOLUME, give_away, listing, planned, profile, token, without_privileges,
};

const NAMES: [&str; 5] = [
    file_names::TOKEN,
    file_names::POD_IDENTITY_TOKEN,
    file_names::ENDPOINT_TOKEN,
    file_names::CONFIG,
    file_names::CREDENTIALS,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn removing_what_was_applied_leaves_the_write_path_as_it_was(
        pod in proptest::option::of(any::<String>()),
        volume_id in any::<String>(),
        plans in prop::collection::vec((prop::sample::subsequence(&NAMES, 0..=5), any::<String>(), any::<bool>()), 1..4),
        siblings in prop::collection::btree_map("[a-z@]{1,8}", any::<String>(), 0..4),
    ) {
        let folder = Folder::new();
        for (name, content) in &siblings {
            fs::write(folder.write_path().join(name), content).unwrap();
        }
        let before = listing(folder.path());
        let write_path = folder.open();
        let directory = directory_name(pod.as_deref(), &volume_id);
        for (names, content, is_live) in &plans {
            let files: Vec<_> = names.iter().map(|name| planned(name, content.clone())).collect();
            let existing = if *is_live { Existing::Update } else { Existing::Replace };
            let written = write_path.apply(&directory, &files, &FileOptions::default(), existing).unwrap();
            prop_assert_eq!(written.files.len(), files.len());
        }
        prop_assert_eq!(write_path.directories().unwrap(), [directory.clone()]);
        write_path.remove(&directory).unwrap();
        prop_assert_eq!(listing(folder.path()), before);
    }
}

#[test]
fn what_was_removed_is_reported() {
    let folder = Folder::new();
    let write_path = folder.published(&profile("1"));
    let mut removed = write_path.remove(VOLUME).unwrap();
    removed.sort();
    let volume = folder.volume();
    assert_eq!(removed, [volume.clone(), volume.join("config"), volume.join("credentials")]);
}

#[test]
fn removing_what_is_not_there_is_fine() {
    let folder = Folder::new();
    let write_path = folder.published(&[token("1")]);
    write_path.remove(VOLUME).unwrap();
    assert!(write_path.remove(VOLUME).unwrap().is_empty());
    assert!(WritePath::open_if_exists(&folder.path().join("none")).unwrap().is_none());
}

#[test]
fn only_directories_of_volumes_are_reported() {
    let folder = Folder::new();
    let ours = [
        directory_name(None, "volume"),
        directory_name(Some("pod"), "volume"),
        directory_name(Some("pod"), "a/b"),
    ];
    let hash = ours[2].rsplit_once('@').unwrap().1;
    let foreign = ["token", "s3cred", "s3cred@", "s3cred@@short", "s3cred@a@b@c", "s3cred@a b"]
        .map(str::to_owned);
    let foreign = foreign
        .into_iter()
        .chain([format!("s3cred@@{}", hash.to_uppercase()), format!("s3cred@@{}", "é".repeat(32))]);
    for name in ours.iter().cloned().chain(foreign) {
        fs::create_dir(folder.write_path().join(name)).unwrap();
    }
    let not_unicode = std::ffi::OsStr::from_bytes(b"s3cred@\xff");
    fs::create_dir(folder.write_path().join(not_unicode)).unwrap();
    let mut found = folder.open().directories().unwrap();
    found.sort();
    let mut expected = ours.to_vec();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn whatever_is_planted_in_the_directory_goes_and_what_it_points_to_stays() {
    let folder = Folder::new();
    let outside = folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("file"), "untouched").unwrap();
    let write_path = folder.published(&[token("1")]);
    let before = listing(&outside);

    let volume = folder.volume();
    fs::create_dir_all(volume.join("a/b/c/d")).unwrap();
    for place in ["", "a", "a/b", "a/b/c"] {
        let place = volume.join(place);
        symlink(&outside, place.join("link")).unwrap();
        symlink("..", place.join("up")).unwrap();
        fs::hard_link(outside.join("file"), place.join("hard")).unwrap();
        mkfifoat(CWD, place.join("fifo"), Mode::empty()).unwrap();
        fs::write(place.join(std::ffi::OsStr::from_bytes(b"\xff\n")), "x").unwrap();
        fs::write(place.join("x".repeat(255)), "x").unwrap();
        fs::create_dir(place.join("empty")).unwrap();
    }
    fs::set_permissions(&volume, Permissions::from_mode(0o777)).unwrap();

    write_path.remove(VOLUME).unwrap();
    assert!(listing(&folder.write_path()).is_empty());
    assert_eq!(listing(&outside), before);
}

#[test]
fn what_is_planted_in_the_place_of_the_directory_goes() {
    let folder = Folder::new();
    let write_path = folder.open();
    let plants: [fn(&Path); 3] = [
        |place| fs::write(place, "x").unwrap(),
        |place| symlink("/", place).unwrap(),
        |place| mkfifoat(CWD, place, Mode::empty()).unwrap(),
    ];
    for plant in plants {
        plant(&folder.volume());
        assert_eq!(write_path.remove(VOLUME).unwrap(), [folder.volume()]);
        assert!(listing(&folder.write_path()).is_empty());
    }
}

/// Deeper than any path, handle table or stack.
#[test]
fn a_deep_tree_is_removed() {
    let folder = Folder::new();
    let write_path = folder.published(&[token("1")]);
    let open = OFlags::RDONLY | OFlags::DIRECTORY;
    let mut deepest: OwnedFd = openat(CWD, folder.volume(), open, Mode::empty()).unwrap();
    for _ in 0..5_000 {
        mkdirat(&deepest, "d", Mode::RWXU).unwrap();
        deepest = openat(&deepest, "d", open, Mode::empty()).unwrap();
    }
    let mut removed = write_path.remove(VOLUME).unwrap();
    removed.sort();
    assert_eq!(
        removed,
        [folder.volume(), folder.volume().join("d"), folder.volume().join("token")]
    );
    assert!(listing(&folder.write_path()).is_empty());
}

#[test]
fn a_wide_tree_is_removed_and_reported_in_part() {
    let folder = Folder::new();
    let write_path = folder.published(&[token("1")]);
    for number in 0..3_000 {
        fs::write(folder.volume().join(format!("file-{number}")), "").unwrap();
    }
    assert_eq!(write_path.remove(VOLUME).unwrap().len(), 1_001);
    assert!(listing(&folder.write_path()).is_empty());
}

#[test]
fn one_entry_that_cannot_go_does_not_keep_the_others() {
    let folder = Folder::new();
    give_away(&folder.write_path());
    without_privileges(|| {
        let write_path = folder.published(&profile("1"));
        for place in ["one", "two"] {
            let locked = folder.volume().join(place);
            fs::create_dir_all(locked.join("in")).unwrap();
            fs::write(locked.join("secret"), "x").unwrap();
            fs::set_permissions(&locked, Permissions::from_mode(0o500)).unwrap();
        }
        let failure = write_path.remove(VOLUME).unwrap_err();
        for place in ["one", "two"] {
            let locked = folder.volume().join(place);
            for name in ["in", "secret"] {
                let path = locked.join(name);
                assert!(failure.message().contains(path.to_str().unwrap()), "{failure}");
            }
            fs::set_permissions(&locked, Permissions::from_mode(0o700)).unwrap();
        }
        let mut left: Vec<_> = fs::read_dir(folder.volume())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(left, ["one", "two"]);
        write_path.remove(VOLUME).unwrap();
    });
    assert!(listing(&folder.write_path()).is_empty());
}

#[test]
fn many_failures_are_one_line() {
    let folder = Folder::new();
    give_away(&folder.write_path());
    without_privileges(|| {
        let write_path = folder.published(&[]);
        let locked = folder.volume().join("locked");
        fs::create_dir(&locked).unwrap();
        for number in 0..100 {
            fs::write(locked.join(format!("{number}\n")), "x").unwrap();
        }
        fs::set_permissions(&locked, Permissions::from_mode(0o500)).unwrap();
        let failure = write_path.remove(VOLUME).unwrap_err();
        assert!(failure.message().ends_with(" more"), "{failure}");
        assert_eq!(failure.message().lines().count(), 1);
        fs::set_permissions(&locked, Permissions::from_mode(0o700)).unwrap();
    });
}
