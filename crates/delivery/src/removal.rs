//! The removal of a volume's directory with all entries, as deep as a hostile tenant has planted
//! them. It follows no links.
//!
//! A directory that is not empty gives up its files, and its own directories move up beside it. So
//! two handles are enough for any depth, and no path is ever walked a second time.

use std::ffi::{CStr, OsStr};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir};
use rustix::io::{self, Errno};
use s3_credential_core::{ErrorKind, Failure};

use crate::directory::{Directory, enter};
use crate::failure::{Failures, Quoted, refused};
use crate::name;
use crate::steps::{renameat, unlinkat};

/// The most entries that one call removes, so that a tenant who keeps adding entries cannot hold up
/// the driver for ever.
const MAX_STEPS: u32 = 1_000_000;

/// The most removed paths that are reported.
const MAX_REPORTED: usize = 1_000;

/// The name of a directory that has moved up.
const MOVED: &str = "moved";

/// Removes an entry, and all that is in it if it is a directory. Not there is fine. Returns what
/// was removed, and there at the top.
pub(crate) fn remove(parent: &Directory, name: &str) -> Result<Vec<PathBuf>, Failure> {
    let path = parent.path_of(name);
    let unlink = |flags| {
        unlinkat(&parent.handle, name, flags)
            .map_err(|errno| refused("cannot remove", &path, errno))
    };
    let mut removed = match enter(&parent.handle, name).and_then(Dir::new) {
        Ok(mut entries) => {
            let removed = empty(&path, &mut entries, |_| true)?;
            unlink(AtFlags::REMOVEDIR)?;
            removed
        }
        Err(Errno::NOENT) => return Ok(Vec::new()),
        Err(Errno::NOTDIR | Errno::LOOP) => {
            unlink(AtFlags::empty())?;
            Vec::new()
        }
        Err(errno) => return Err(refused("cannot open", &path, errno)),
    };
    removed.push(path);
    Ok(removed)
}

/// Removes every entry of a directory that `goes`, as far as the system lets it.
pub(crate) fn empty(
    path: &Path,
    entries: &mut Dir,
    goes: impl Fn(&CStr) -> bool,
) -> Result<Vec<PathBuf>, Failure> {
    Removal::new(path, MAX_STEPS).run(entries, goes)
}

struct Removal<'a> {
    path: &'a Path,
    steps_left: u32,
    removed: Vec<PathBuf>,
    failures: Failures,
}

impl<'a> Removal<'a> {
    fn new(path: &'a Path, steps: u32) -> Self {
        Self { path, steps_left: steps, removed: Vec::new(), failures: Failures::default() }
    }

    fn run(
        mut self,
        entries: &mut Dir,
        goes: impl Fn(&CStr) -> bool,
    ) -> Result<Vec<PathBuf>, Failure> {
        loop {
            match self.pass(entries, &goes) {
                Ok(true) => entries.rewind(),
                Ok(false) => break,
                Err(errno) => {
                    self.failures.push(refused("cannot list", self.path, errno));
                    break;
                }
            }
        }
        self.failures.into_result().map(|()| self.removed)
    }

    /// Goes through the directory once, and says whether that was of use, so that another pass may
    /// be.
    fn pass(&mut self, entries: &mut Dir, goes: impl Fn(&CStr) -> bool) -> io::Result<bool> {
        let before = self.steps_left;
        // What failed in an earlier pass is tried again.
        self.failures = Failures::default();
        while let Some(entry) = entries.read() {
            let entry = entry?;
            let name = entry.file_name();
            if is_link_to_itself(name) || !goes(name) {
                continue;
            }
            if self.steps_left == 0 {
                self.failures.push(too_many(self.path));
                return Ok(false);
            }
            let top = entries.fd()?;
            match self.entry(top, name) {
                Ok(true) => self.report(name),
                Ok(false) => {}
                Err(errno) => {
                    self.failures.push(refused("cannot remove", &self.path_of(name), errno));
                }
            }
        }
        Ok(self.steps_left < before)
    }

    /// Removes an entry of the top directory. Returns whether it is gone: a tenant may add to it
    /// meanwhile.
    fn entry(&mut self, top: BorrowedFd<'_>, name: &CStr) -> io::Result<bool> {
        if self.unlink(top, name)? {
            return Ok(true);
        }
        self.flatten(top, name, Dir::new(enter(top, name)?)?)?;
        self.unlink(top, name)
    }

    fn flatten(&mut self, top: BorrowedFd<'_>, parent: &CStr, mut child: Dir) -> io::Result<()> {
        while let Some(entry) = child.read() {
            let entry = entry?;
            let name = entry.file_name();
            if is_link_to_itself(name) || self.steps_left == 0 {
                continue;
            }
            if let Err(errno) = self.unlink_or_move(child.fd()?, name, top) {
                let path = join(&self.path_of(parent), name);
                self.failures.push(refused("cannot remove", &path, errno));
            }
        }
        Ok(())
    }

    fn unlink_or_move(
        &mut self,
        child: BorrowedFd<'_>,
        name: &CStr,
        top: BorrowedFd<'_>,
    ) -> io::Result<()> {
        if !self.unlink(child, name)? {
            renameat(child, name, top, name::temporary_for(MOVED))?;
            self.steps_left = self.steps_left.saturating_sub(1);
        }
        Ok(())
    }

    /// Removes an entry, whatever it is but a directory with something in it.
    fn unlink(&mut self, directory: impl AsFd, name: &CStr) -> io::Result<bool> {
        let removed = match unlinkat(&directory, name, AtFlags::empty()) {
            // What Linux and what POSIX say of a directory.
            Err(refusal @ (Errno::ISDIR | Errno::PERM)) => {
                match unlinkat(&directory, name, AtFlags::REMOVEDIR) {
                    Err(Errno::NOTEMPTY | Errno::EXIST) => return Ok(false),
                    Err(Errno::NOTDIR) => Err(refusal),
                    removed => removed,
                }
            }
            removed => removed,
        };
        match removed {
            Ok(()) | Err(Errno::NOENT) => {
                self.steps_left = self.steps_left.saturating_sub(1);
                Ok(true)
            }
            Err(errno) => Err(errno),
        }
    }

    fn report(&mut self, name: &CStr) {
        let was_moved = name.to_str().ok().and_then(name::of_temporary) == Some(MOVED);
        if !was_moved && self.removed.len() < MAX_REPORTED {
            self.removed.push(self.path_of(name));
        }
    }

    fn path_of(&self, name: &CStr) -> PathBuf {
        join(self.path, name)
    }
}

fn join(path: &Path, name: &CStr) -> PathBuf {
    path.join(OsStr::from_bytes(name.to_bytes()))
}

fn is_link_to_itself(name: &CStr) -> bool {
    matches!(name.to_bytes(), b"." | b"..")
}

fn too_many(path: &Path) -> Failure {
    Failure::new(
        ErrorKind::Unavailable,
        format!("{} holds more entries than one call removes", Quoted(path)),
    )
    .with_help("try again, and find out who fills it")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_call_that_never_ends_is_ended_and_the_next_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        for place in ["a/b/c", "d/e", "f"] {
            fs::create_dir_all(folder.path().join(place)).unwrap();
            fs::write(folder.path().join(place).join("file"), "").unwrap();
        }
        let directory = Directory::open(folder.path()).unwrap().unwrap();
        let mut calls = 0;
        loop {
            let mut entries = Dir::read_from(&directory.handle).unwrap();
            calls += 1;
            match Removal::new(folder.path(), 2).run(&mut entries, |_| true) {
                Ok(_) => break,
                Err(failure) => assert!(failure.is_retryable() && calls < 10, "{failure}"),
            }
        }
        assert!(calls > 2);
        assert!(directory.names().unwrap().is_empty());
    }
}
