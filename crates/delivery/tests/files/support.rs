//! What several tests need: plans, a look at a folder, and other users.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use rustix::fs::{Gid, Uid};
use rustix::process::{getegid, geteuid, getgroups};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use s3_credential_core::{Owner, PlannedFile, Secret, file_names};
use s3_credential_delivery::{Existing, FileOptions, WritePath};
use tempfile::TempDir;

pub(crate) const VOLUME: &str = "s3cred@pod@volume";

/// A user that is not the one of the tests, if they are run by root.
const NOBODY: u32 = 65_534;

/// A folder of a test, which other users may enter, with a write path in it.
pub(crate) struct Folder {
    root: TempDir,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::set_permissions(root.path(), Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(root.path().join("write")).unwrap();
        Self { root }
    }

    pub(crate) fn path(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn write_path(&self) -> PathBuf {
        self.path().join("write")
    }

    pub(crate) fn volume(&self) -> PathBuf {
        self.write_path().join(VOLUME)
    }

    pub(crate) fn open(&self) -> WritePath {
        WritePath::open(&self.write_path()).unwrap()
    }

    /// A volume that was published with these files.
    pub(crate) fn published(&self, files: &[PlannedFile]) -> WritePath {
        let write_path = self.open();
        write_path.apply(VOLUME, files, &FileOptions::default(), Existing::Replace).unwrap();
        write_path
    }
}

pub(crate) fn planned(name: &'static str, content: impl Into<String>) -> PlannedFile {
    PlannedFile { name, content: Secret::new(content), age: None }
}

pub(crate) fn token(content: &str) -> PlannedFile {
    planned(file_names::TOKEN, content)
}

/// A config file and a credentials file.
pub(crate) fn profile(content: &str) -> [PlannedFile; 2] {
    [file_names::CONFIG, file_names::CREDENTIALS]
        .map(|name| planned(name, format!("{name} {content}")))
}

/// What there is below a folder: kind, mode and content of each entry, links not followed.
pub(crate) fn listing(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let kind = metadata.file_type();
            let content = if kind.is_dir() {
                folders.push(path.clone());
                "directory".to_owned()
            } else if kind.is_symlink() {
                format!("link to {}", fs::read_link(&path).unwrap().display())
            } else if kind.is_fifo() {
                "fifo".to_owned()
            } else {
                format!("file with {}", fs::read(&path).unwrap().escape_ascii())
            };
            let name = path.strip_prefix(folder).unwrap().to_owned();
            found.insert(name, format!("{:o} {content}", metadata.mode() & 0o7777));
        }
    }
    found
}

pub(crate) fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

/// A group that the user of the tests may give files to, and not its own if there is one.
pub(crate) fn other_group() -> u32 {
    if geteuid().is_root() {
        return 4_242;
    }
    let groups = getgroups().unwrap();
    groups.iter().find(|group| **group != getegid()).copied().unwrap_or_else(getegid).as_raw()
}

/// An owner that the user of the tests may give files to.
pub(crate) fn other_owner() -> Owner {
    let uid = if geteuid().is_root() { 4_343 } else { geteuid().as_raw() };
    Owner { uid, gid: other_group() }
}

/// Gives a path to the user that [`without_privileges`] acts as.
pub(crate) fn give_away(path: &Path) {
    if geteuid().is_root() {
        std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

/// Runs as a user whom permissions bind: the user of the tests, unless that is root.
pub(crate) fn without_privileges<T: Send>(act: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let acting = scope.spawn(|| {
            if geteuid().is_root() {
                // Of this thread only: the system call, without what a C library adds.
                let (uid, gid) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
                set_thread_groups(&[]).unwrap();
                set_thread_res_gid(gid, gid, gid).unwrap();
                set_thread_res_uid(uid, uid, uid).unwrap();
            }
            act()
        });
        acting.join().unwrap()
    })
}

/// The folder that a test works in as a child of itself.
pub(crate) fn folder_of_child() -> Option<PathBuf> {
    std::env::args().find_map(|argument| argument.strip_prefix("child=").map(PathBuf::from))
}

/// The command by which a test runs itself in a process of its own, through a shell that first does
/// `prepare`.
pub(crate) fn child(test: &str, folder: &Path, prepare: &str) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{prepare} exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", test])
        .arg(format!("child={}", folder.display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// Waits until a child has printed this word.
pub(crate) fn await_word(child: &mut Child, word: &str) {
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains(word)), "the child never said {word:?}");
}
