//! Records of the state path.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::thread;

use rustix::process::geteuid;
use s3_credential_core::ErrorKind;
use s3_credential_delivery::StatePath;

use crate::support::{Folder, listing, mode};

fn opened(folder: &Folder) -> StatePath {
    StatePath::open(&folder.path().join("state")).unwrap()
}

#[test]
fn the_state_path_is_made_for_its_user_only() {
    let folder = Folder::new();
    let state = opened(&folder);
    assert_eq!(mode(state.path()), 0o700);
    opened(&folder).write("lease", b"1").unwrap();
    assert_eq!(mode(&state.path().join("lease")), 0o600);
}

#[test]
fn a_state_path_whose_parent_is_missing_is_named() {
    let folder = Folder::new();
    let path = folder.path().join("none/state");
    let failure = StatePath::open(&path).unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::FileSystem);
    assert!(failure.message().contains(path.to_str().unwrap()), "{failure}");
}

#[test]
fn a_state_path_that_others_could_write_is_refused() {
    let folder = Folder::new();
    let path = folder.path().join("state");
    fs::create_dir(&path).unwrap();
    for (mode, is_fine) in
        [(0o700, true), (0o755, true), (0o770, false), (0o707, false), (0o1777, false)]
    {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        assert_eq!(StatePath::open(&path).is_ok(), is_fine, "{mode:o}");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();

    let link = folder.path().join("link");
    symlink(&path, &link).unwrap();
    for spelling in [link.clone(), link.join("")] {
        let failure = StatePath::open(&spelling).unwrap_err();
        assert!(failure.message().contains(link.to_str().unwrap()), "{failure}");
    }
    let foreign = if geteuid().is_root() {
        chown(&path, Some(4_343), None).unwrap();
        path.as_path()
    } else {
        Path::new("/")
    };
    assert!(StatePath::open(foreign).unwrap_err().message().contains("another user"));
    assert!(StatePath::open(&folder.path().join("write/../write")).is_ok());
    fs::write(folder.path().join("file"), "").unwrap();
    assert!(StatePath::open(&folder.path().join("file")).is_err());
}

#[test]
fn a_record_is_read_as_it_was_written() {
    let folder = Folder::new();
    let state = opened(&folder);
    assert_eq!(state.read("lease").unwrap(), None);
    for length in [1, 8_191, 8_192, 8_193, 100_000, 1 << 20] {
        let record: Vec<u8> = (b' '..=250).cycle().take(length).collect();
        state.write("lease", &record).unwrap();
        assert_eq!(state.read("lease").unwrap(), Some(record));
    }
    assert_eq!(listing(state.path()).len(), 1);
}

#[test]
fn a_record_is_read_as_its_holder_has_last_written_it() {
    let folder = Folder::new();
    let state = opened(&folder);
    let mut lock = state.try_lock("lease").unwrap().unwrap();
    assert_eq!(lock.read().unwrap(), None);
    assert!(state.read("lease").unwrap().is_none() && !state.has("lease").unwrap());
    for length in [1, 100, 1_000, 2_000, 2_000, 10, 3_990, 4_094, 8_190, 8_191, 100_000, 5, 1 << 19]
    {
        let record: Vec<u8> = (b' '..=250).cycle().take(length).collect();
        lock.write(&record).unwrap();
        assert_eq!(lock.read().unwrap().as_ref(), Some(&record));
        assert_eq!(state.read("lease").unwrap(), Some(record));
        assert!(state.try_lock("lease").unwrap().is_none(), "a new file is locked as the old one");
        assert_eq!(mode(&state.path().join("lease")), 0o600);
    }
    assert!(lock.write(b"two\nlines").is_err());
    drop(lock);
    assert_eq!(state.try_lock("lease").unwrap().unwrap().read().unwrap().unwrap().len(), 1 << 19);
    assert_eq!(listing(state.path()).len(), 1);
}

#[test]
fn a_record_that_was_written_by_half_is_not_read() {
    let folder = Folder::new();
    let state = opened(&folder);
    state.try_lock("lease").unwrap().unwrap().write(b"whole").unwrap();
    let path = state.path().join("lease");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, [whole.as_slice(), b"\nhal"].concat()).unwrap();
    assert_eq!(state.read("lease").unwrap().as_deref(), Some(b"whole".as_slice()));
    let mut lock = state.try_lock("lease").unwrap().unwrap();
    assert_eq!(lock.read().unwrap().as_deref(), Some(b"whole".as_slice()));
    lock.write(b"next").unwrap();
    assert_eq!(lock.read().unwrap().as_deref(), Some(b"next".as_slice()));
}

#[test]
fn a_record_too_long_to_be_ours_is_not_read() {
    let folder = Folder::new();
    let state = opened(&folder);
    let file = fs::File::create(state.path().join("lease")).unwrap();
    file.set_len(1 << 40).unwrap();
    let failure = state.read("lease").unwrap_err();
    assert!(failure.message().contains("state/lease"), "{failure}");
}

#[test]
fn a_link_is_no_record() {
    let folder = Folder::new();
    let state = opened(&folder);
    let outside = folder.path().join("outside");
    fs::write(&outside, "1").unwrap();
    symlink(&outside, state.path().join("lease")).unwrap();
    assert!(state.read("lease").is_err());
    state.write("lease", b"2").unwrap();
    assert_eq!(fs::read(&outside).unwrap(), b"1");
    assert_eq!(state.read("lease").unwrap().as_deref(), Some(b"2".as_slice()));
}

#[test]
fn records_are_listed_and_removed_once() {
    let folder = Folder::new();
    let state = opened(&folder);
    state.write("one", b"1").unwrap();
    state.write("two.lock", b"2").unwrap();
    let mut names = state.names().unwrap();
    names.sort();
    assert_eq!(names, ["one", "two.lock"]);
    assert!(state.remove("one").unwrap());
    assert!(!state.remove("one").unwrap());
    assert_eq!(state.names().unwrap(), ["two.lock"]);
}

#[test]
fn a_name_is_one_component() {
    let folder = Folder::new();
    let state = opened(&folder);
    let long = "x".repeat(201);
    for name in ["", ".", "..", "a/b", ".hidden", "a\0", &long] {
        assert!(state.write(name, b"").is_err(), "{name:?}");
        assert!(state.read(name).is_err(), "{name:?}");
        assert!(state.remove(name).is_err(), "{name:?}");
        assert!(state.try_lock(name).is_err(), "{name:?}");
    }
    let longest = "x".repeat(200);
    state.write(&longest, b"1").unwrap();
    state.try_lock(&longest).unwrap().unwrap().write(&[b'2'; 5000]).unwrap();
}

#[test]
fn a_reader_sees_a_whole_record() {
    let folder = Folder::new();
    let state = opened(&folder);
    let records = [vec![b'a'; 20_000], vec![b'b'; 30]];
    state.try_lock("lease").unwrap().unwrap().write(&records[0]).unwrap();
    let write = &|record: &[u8]| {
        for _ in 0..300 {
            match state.try_lock("lease").unwrap() {
                Some(mut lock) => lock.write(record).unwrap(),
                None => thread::yield_now(),
            }
        }
    };
    thread::scope(|scope| {
        let writers: Vec<_> =
            records.iter().map(|record| scope.spawn(move || write(record))).collect();
        while writers.iter().any(|writer| !writer.is_finished()) {
            assert!(records.contains(&state.read("lease").unwrap().unwrap()));
        }
    });
    assert_eq!(listing(state.path()).len(), 1);
}
