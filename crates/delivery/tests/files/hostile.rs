//! Entries that an attacker with undue write access has planted.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::fs::{CWD, Mode, RenameFlags, mkfifoat, renameat_with};
use rustix::process::geteuid;
use s3_credential_core::ErrorKind;
use s3_credential_delivery::{Existing, FileOptions, WritePath};

use crate::support::{Folder, VOLUME, give_away, listing, profile, token, without_privileges};

const BOTH: [Existing; 2] = [Existing::Replace, Existing::Update];

type Plant = fn(&Path, &Path);

/// Ways to stand in the place of a file; the second path is a file outside that must not change.
const IN_PLACE_OF_A_FILE: [(&str, Plant); 6] = [
    ("symbolic link", |place, outside| symlink(outside, place).unwrap()),
    ("dangling link", |place, outside| symlink(outside.with_extension("none"), place).unwrap()),
    ("hard link", |place, outside| fs::hard_link(outside, place).unwrap()),
    ("fifo", |place, _| mkfifoat(CWD, place, Mode::RUSR).unwrap()),
    ("directory", |place, _| fs::create_dir(place).unwrap()),
    ("full directory", |place, outside| {
        fs::create_dir_all(place.join("a/b")).unwrap();
        symlink(outside, place.join("a/link")).unwrap();
        fs::hard_link(outside, place.join("a/b/hard")).unwrap();
    }),
];

fn outside(folder: &Folder) -> std::path::PathBuf {
    let outside = folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("file"), "untouched").unwrap();
    outside
}

#[test]
fn what_is_planted_in_the_place_of_a_file_is_replaced() {
    for (kind, plant) in IN_PLACE_OF_A_FILE {
        for existing in BOTH {
            for name in ["config", "credentials"] {
                let folder = Folder::new();
                let outside = outside(&folder);
                let before = listing(&outside);
                fs::create_dir(folder.volume()).unwrap();
                plant(&folder.volume().join(name), &outside.join("file"));

                folder
                    .open()
                    .apply(VOLUME, &profile("1"), &FileOptions::default(), existing)
                    .unwrap();

                assert_eq!(listing(&outside), before, "{kind}");
                let left: Vec<_> = listing(&folder.volume()).into_iter().collect();
                assert_eq!(
                    left,
                    [
                        ("config".into(), "640 file with config 1".to_owned()),
                        ("credentials".into(), "640 file with credentials 1".to_owned()),
                    ],
                    "{kind} {name} {existing:?}"
                );
            }
        }
    }
}

#[test]
fn a_hard_link_to_a_token_does_not_see_the_next_one() {
    let folder = Folder::new();
    let write_path = folder.published(&[token("1")]);
    fs::hard_link(folder.volume().join("token"), folder.path().join("kept")).unwrap();
    write_path.apply(VOLUME, &[token("2")], &FileOptions::default(), Existing::Update).unwrap();
    assert_eq!(fs::read(folder.path().join("kept")).unwrap(), b"1");
    assert_eq!(fs::read(folder.volume().join("token")).unwrap(), b"2");
}

#[test]
fn a_link_or_file_in_the_place_of_the_directory_is_an_error_that_names_it() {
    for (kind, plant) in &IN_PLACE_OF_A_FILE[..4] {
        for existing in BOTH {
            let folder = Folder::new();
            let outside = outside(&folder);
            plant(&folder.volume(), &outside.join("file"));
            let before = listing(folder.path());
            let failure = folder
                .open()
                .apply(VOLUME, &[token("1")], &FileOptions::default(), existing)
                .unwrap_err();
            assert_eq!(failure.kind(), ErrorKind::FileSystem);
            assert!(
                failure.message().contains(folder.volume().to_str().unwrap()),
                "{kind}: {failure}"
            );
            assert_eq!(listing(folder.path()), before, "{kind}");
        }
    }
}

#[test]
fn a_link_to_a_directory_in_the_place_of_the_directory_is_not_followed() {
    let folder = Folder::new();
    let outside = outside(&folder);
    symlink(&outside, folder.volume()).unwrap();
    let before = listing(&outside);
    let write_path = folder.open();
    for existing in BOTH {
        let failure =
            write_path.apply(VOLUME, &[token("1")], &FileOptions::default(), existing).unwrap_err();
        assert!(failure.message().contains("is a symbolic link"), "{failure}");
    }
    assert!(write_path.sweep_temporary(VOLUME).is_err());
    assert_eq!(write_path.remove(VOLUME).unwrap(), [folder.volume()]);
    assert_eq!(listing(&outside), before);
    assert!(listing(&folder.write_path()).is_empty());
}

#[test]
fn a_write_path_that_is_a_link_is_refused() {
    let folder = Folder::new();
    let link = folder.path().join("link");
    symlink(folder.write_path(), &link).unwrap();
    for spelling in [link.clone(), link.join(""), link.join("."), link.join("./")] {
        let failure = WritePath::open(&spelling).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::FileSystem);
        assert!(failure.message().contains("is a symbolic link"), "{failure}");
        assert!(failure.message().contains(link.to_str().unwrap()), "{failure}");
    }
}

#[test]
fn an_open_write_path_stays_the_same_directory() {
    let folder = Folder::new();
    let outside = outside(&folder);
    let write_path = folder.open();
    let moved = folder.path().join("moved");
    fs::rename(folder.write_path(), &moved).unwrap();
    symlink(&outside, folder.write_path()).unwrap();
    write_path.apply(VOLUME, &[token("1")], &FileOptions::default(), Existing::Replace).unwrap();
    assert_eq!(fs::read(moved.join(VOLUME).join("token")).unwrap(), b"1");
    assert_eq!(listing(&outside).len(), 1);
}

#[test]
fn a_directory_of_another_user_makes_way_at_a_first_publish_only() {
    let folder = Folder::new();
    fs::set_permissions(folder.write_path(), Permissions::from_mode(0o777)).unwrap();
    let planted = folder.volume();
    fs::create_dir(&planted).unwrap();
    fs::write(planted.join("config"), "planted").unwrap();
    fs::set_permissions(&planted, Permissions::from_mode(0o777)).unwrap();
    let write_path = folder.open();
    if geteuid().is_root() {
        // To anybody else, every directory that can be planted here is one's own.
        chown(&planted, Some(4_343), None).unwrap();
        let failure = write_path
            .apply(VOLUME, &[token("1")], &FileOptions::default(), Existing::Update)
            .unwrap_err();
        assert!(failure.message().contains(planted.to_str().unwrap()), "{failure}");
        assert_eq!(fs::read(planted.join("config")).unwrap(), b"planted");
    }
    write_path.apply(VOLUME, &[token("1")], &FileOptions::default(), Existing::Replace).unwrap();
    assert_eq!(fs::metadata(&planted).unwrap().uid(), geteuid().as_raw());
    let left: Vec<_> = listing(&folder.write_path()).into_values().collect();
    assert_eq!(left, ["750 directory", "640 file with 1"]);
}

/// How often the other thread was in the way: in 2,000 turns, and in as many more as it takes until
/// it was at all. On a busy machine it may not have begun yet.
fn raced(mut turn: impl FnMut(usize) -> bool) -> usize {
    let mut met = 0;
    for number in 0..2_000_000 {
        if number >= 2_000 {
            if met > 0 {
                break;
            }
            thread::yield_now();
        }
        met += usize::from(turn(number));
    }
    met
}

#[test]
fn a_directory_that_keeps_turning_into_a_link_leads_nowhere() {
    let folder = Folder::new();
    let outside = outside(&folder);
    let before = listing(&outside);
    let write_path = folder.published(&[token("0")]);
    let link = folder.write_path().join("link");
    symlink(&outside, &link).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                // Fails while the directory is removed, which is no reason to stop.
                let _ = renameat_with(CWD, &link, CWD, folder.volume(), RenameFlags::EXCHANGE);
            }
        });
        let refused = raced(|turn| {
            let existing = BOTH[turn % 2];
            write_path.apply(VOLUME, &profile("1"), &FileOptions::default(), existing).is_err()
        });
        done.store(true, Ordering::Relaxed);
        assert!(refused > 0, "the race was never lost, so no attack was tried");
    });
    assert_eq!(listing(&outside), before);
}

#[test]
fn a_removal_that_races_with_links_removes_no_file_outside() {
    let folder = Folder::new();
    let outside = outside(&folder);
    let before = listing(&outside);
    let write_path = folder.open();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let (nested, link) = (folder.volume().join("a/b"), folder.path().join("link"));
            let filled = folder.path().join("filled");
            while !done.load(Ordering::Relaxed) {
                // Each may fail, as the directory comes and goes. No write goes through `nested`,
                // which may be the link by now.
                let _ = fs::create_dir_all(&filled);
                let _ = fs::write(filled.join("file"), "x");
                let _ = fs::create_dir_all(folder.volume().join("a"));
                let _ = fs::rename(&filled, &nested);
                let _ = symlink(&outside, &link);
                let _ = renameat_with(CWD, &link, CWD, &nested, RenameFlags::EXCHANGE);
                let _ = fs::remove_dir_all(&link);
                let _ = fs::remove_file(&link);
            }
        });
        let removed = raced(|_| write_path.remove(VOLUME).is_ok_and(|removed| removed.len() > 1));
        done.store(true, Ordering::Relaxed);
        assert!(removed > 0, "there was never anything to remove");
    });
    assert_eq!(listing(&outside), before);
    write_path.remove(VOLUME).unwrap();
    assert!(listing(&folder.write_path()).is_empty());
}

#[test]
fn names_that_leave_the_write_path_are_refused() {
    let folder = Folder::new();
    let write_path = folder.open();
    let before = listing(folder.path());
    let long = "x".repeat(201);
    for name in ["", ".", "..", "../write", "a/b", "/", "a\0b", ".hidden", &long] {
        assert!(
            write_path
                .apply(name, &[token("1")], &FileOptions::default(), Existing::Replace)
                .is_err()
        );
        assert!(write_path.remove(name).is_err());
        assert!(write_path.sweep_temporary(name).is_err());
    }
    assert!(
        write_path
            .apply(
                VOLUME,
                &[crate::support::planned("../x", "1")],
                &FileOptions::default(),
                Existing::Replace
            )
            .is_err()
    );
    assert_eq!(listing(folder.path()), before);
}

#[test]
fn a_planted_directory_that_cannot_be_emptied_does_not_keep_the_token_out() {
    let folder = Folder::new();
    give_away(&folder.write_path());
    without_privileges(|| {
        let write_path = folder.published(&[]);
        let locked = folder.volume().join("token/locked");
        fs::create_dir_all(locked.join("in")).unwrap();
        fs::set_permissions(&locked, Permissions::from_mode(0o500)).unwrap();
        let options = FileOptions::default();
        write_path.apply(VOLUME, &[token("1")], &options, Existing::Update).unwrap();
        assert_eq!(fs::read(folder.volume().join("token")).unwrap(), b"1");
    });
}
