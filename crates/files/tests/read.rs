//! What is read, and what is refused.
#![allow(clippy::unwrap_used, reason = "the helpers of a test fail as tests do")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::io::Errno;
use s3_credential_core::ErrorKind;
use s3_credential_files::{DirectoryError, FileError, read, read_directory};

const LIMIT: usize = 64;

/// What the kubelet does with a volume: a new generation beside the old one, the link swapped by a
/// rename, the old one removed.
fn swap(volume: &Path, generation: &str, files: &[(&str, &str)]) {
    let old = fs::read_link(volume.join("..data")).ok();
    fs::create_dir(volume.join(generation)).unwrap();
    for (name, text) in files {
        fs::write(volume.join(generation).join(name), text).unwrap();
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

#[test]
fn a_file_is_read_whole_and_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, " ä token\n").unwrap();
    assert_eq!(read(&path, LIMIT).unwrap().expose(), " ä token\n");
    fs::write(&path, "").unwrap();
    assert!(read(&path, LIMIT).unwrap().is_empty());
}

#[test]
fn the_limit_itself_is_allowed_and_one_byte_more_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, "x".repeat(LIMIT)).unwrap();
    assert_eq!(read(&path, LIMIT).unwrap().len(), LIMIT);
    fs::write(&path, "x".repeat(LIMIT + 1)).unwrap();
    assert_eq!(read(&path, LIMIT).unwrap_err(), FileError::TooLarge(LIMIT));
}

#[test]
fn a_file_without_a_size_is_read_to_its_end() {
    // Files of procfs say that they are empty.
    let path = "/proc/self/mounts";
    assert_eq!(fs::metadata(path).unwrap().len(), 0);
    assert_eq!(read(path, 1 << 20).unwrap().expose(), fs::read_to_string(path).unwrap());
}

#[test]
fn links_are_followed_as_in_a_kubelets_volume() {
    let folder = tempfile::tempdir().unwrap();
    swap(folder.path(), "..2026_11_23", &[("token", "one")]);
    assert_eq!(read(folder.path().join("token"), LIMIT).unwrap().expose(), "one");
}

#[test]
fn only_a_regular_file_is_read_and_none_makes_the_reader_wait() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, at("fifo"), mode).unwrap();
    let _listener = UnixListener::bind(at("socket")).unwrap();
    symlink("/dev/zero", at("device")).unwrap();
    for name in ["fifo", "socket", "device", "."] {
        let error = read(at(name), LIMIT).unwrap_err();
        assert_eq!(error, FileError::NotRegular, "{name}");
    }
}

#[test]
fn what_is_missing_and_what_is_refused_are_distinguished() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("file"), "").unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    symlink("loop", at("loop")).unwrap();
    for name in ["absent", "dangling", "file/below"] {
        assert_eq!(read(at(name), LIMIT).unwrap_err(), FileError::Missing, "{name}");
    }
    for refused in [at("loop"), at("nul\0"), at(&"n".repeat(300))] {
        let error = read(refused, LIMIT).unwrap_err();
        assert!(matches!(error, FileError::Refused(_)), "{error:?}");
        let failure = error.failure(ErrorKind::InvalidSecret, "the file");
        assert_eq!(failure.kind(), ErrorKind::FileSystem);
    }
}

#[test]
fn what_the_system_is_short_of_for_now_is_worth_another_try() {
    let failure =
        FileError::Refused(Errno::MFILE).failure(ErrorKind::MalformedToken, "the token file");
    assert_eq!(failure.kind(), ErrorKind::Unavailable);
    assert!(failure.is_retryable());
}

#[test]
fn bytes_that_are_no_text_are_refused_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, b"canary-\xff-canary").unwrap();
    let failure =
        read(&path, LIMIT).unwrap_err().failure(ErrorKind::MalformedToken, "the token file");
    assert_eq!(failure.kind(), ErrorKind::MalformedToken);
    assert!(!format!("{failure:?} {failure}").contains("canary"));
}

#[test]
fn of_a_directory_the_named_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    swap(folder.path(), "..1", &[("key_id", "id"), ("access_key", "key"), ("other", "o")]);
    let files = read_directory(folder.path(), ["key_id", "access_key", "absent"], LIMIT).unwrap();
    let names: Vec<_> = files.keys().collect();
    assert_eq!(names, ["access_key", "key_id"]);
    assert_eq!(files["access_key"].expose(), "key");
}

#[test]
fn a_plain_directory_is_read_directly() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("key_id"), "id").unwrap();
    let files = read_directory(folder.path(), ["key_id"], LIMIT).unwrap();
    assert_eq!(files["key_id"].expose(), "id");
    let missing = folder.path().join("absent");
    assert_eq!(read_directory(missing, ["key_id"], LIMIT).unwrap_err(), FileError::Missing.into());
    let mut large = fs::File::create(folder.path().join("large")).unwrap();
    large.write_all(&[b'x'; LIMIT + 1]).unwrap();
    let error = read_directory(folder.path(), ["large"], LIMIT).unwrap_err();
    let expected = DirectoryError { file: Some("large"), error: FileError::TooLarge(LIMIT) };
    assert_eq!(error, expected);
}

#[test]
fn a_directory_that_may_not_be_entered_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("key_id"), "id").unwrap();
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o000)).unwrap();
    let result = read_directory(&inner, ["key_id"], LIMIT);
    // Root may enter everything.
    if rustix::process::geteuid().is_root() {
        assert_eq!(result.unwrap()["key_id"].expose(), "id");
    } else {
        let error = result.unwrap_err().error;
        assert!(matches!(error, FileError::Refused(_)), "{error}");
    }
    fs::set_permissions(&inner, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn files_of_two_generations_are_never_mixed() {
    let folder = tempfile::tempdir().unwrap();
    let volume = folder.path();
    let pair = |turn: u32| {
        let text = format!("generation {turn}");
        swap(volume, &format!("..{turn}"), &[("key_id", &text), ("access_key", &text)]);
    };
    pair(0);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            (1..400).for_each(pair);
            over.store(true, Ordering::Release);
        });
        let mut whole = 0;
        while !over.load(Ordering::Acquire) || whole == 0 {
            match read_directory(volume, ["key_id", "access_key"], LIMIT) {
                Ok(files) => {
                    assert_eq!(files.len(), 2);
                    assert_eq!(files["key_id"], files["access_key"]);
                    whole += 1;
                }
                Err(error) => assert_eq!(error, FileError::Changing.into()),
            }
        }
    });
    let last = read_directory(volume, ["key_id"], LIMIT).unwrap();
    assert_eq!(last["key_id"].expose(), "generation 399");
}
