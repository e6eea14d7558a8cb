//! The state path: records and locks, where neither Mountpoint nor a tenant can write.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{
    AtFlags, CWD, FlockOperation, Mode, OFlags, fchmod, flock, fstat, openat, statat,
};
use rustix::io::{self, Errno, retry_on_intr};
use s3_credential_core::{ErrorKind, Failure};

use crate::directory::Directory;
use crate::failure::{Failures, Quoted, refused};
use crate::lock::Lock;
use crate::record::{self, MAX_RECORD_LEN, RECORD_MODE};
use crate::stamp::{Generation, Seen};
use crate::steps::{mkdirat, renameat, unlinkat};
use crate::{effective_uid, name, temporary};

/// The driver's own directory, 0700, of records, 0600, each of which is its own lock.
///
/// A name is one path component of at most 200 bytes without a leading dot, such as
/// [`directory_name`](crate::directory_name) gives. A record is one line of text that is not empty.
/// Where records are locked at all, only who holds the lock writes them, by [`Lock::write`].
#[derive(Debug, Clone)]
pub struct StatePath {
    directory: Arc<Directory>,
}

/// The lock of a state path as a whole, released when it is dropped.
#[derive(Debug)]
#[must_use = "a lock is released when it is dropped"]
pub struct DirectoryLock {
    // The lock lives as long as this handle.
    _handle: OwnedFd,
}

impl StatePath {
    /// Opens the directory, and makes it if only its last component is missing. It is refused if it
    /// is a symbolic link, another user's, or one that others may write.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let made = match mkdirat(CWD, path, Mode::RWXU) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(errno) => return Err(refused("cannot create the state path", path, errno)),
        };
        let state = Self::open_if_exists(path)?
            .ok_or_else(|| refused("cannot open the state path", path, Errno::NOENT))?;
        if made && state.directory.stat()?.st_mode & 0o777 != 0o700 {
            fchmod(&state.directory.handle, Mode::RWXU)
                .map_err(|errno| refused("cannot set the mode of the state path", path, errno))?;
        }
        Ok(state)
    }

    /// Opens like [`StatePath::open`], but creates no directory: `None` if it is missing.
    pub fn open_if_exists(path: &Path) -> Result<Option<Self>, Failure> {
        let Some(directory) = Directory::open(path)? else { return Ok(None) };
        let stat = directory.stat()?;
        if stat.st_uid != effective_uid() || stat.st_mode & 0o022 != 0 {
            return Err(Failure::new(
                ErrorKind::FileSystem,
                format!(
                    "the state path {} is another user's, or others may write it",
                    Quoted(path)
                ),
            )
            .with_help("choose a state path that belongs to the driver's user, with mode 0700"));
        }
        Ok(Some(Self { directory: Arc::new(directory) }))
    }

    /// Returns the path, as it was given.
    pub fn path(&self) -> &Path {
        &self.directory.path
    }

    /// Returns whether the directory was removed since it was opened. Another one may be at its
    /// path.
    pub fn is_gone(&self) -> bool {
        self.directory.stat().is_ok_and(|stat| stat.st_nlink == 0)
    }

    /// Takes the lock of this name, unless another thread or process holds it. A crash releases it.
    pub fn try_lock(&self, name: &str) -> Result<Option<Lock>, Failure> {
        name::check(name)?;
        Lock::try_take(&self.directory, name)
    }

    /// Takes the directory's own lock, unless another thread or process holds it. It is apart from
    /// the locks of the records. A crash releases it.
    pub fn try_lock_directory(&self) -> Result<Option<DirectoryLock>, Failure> {
        let failed = |errno| refused("cannot lock the state path", self.path(), errno);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = openat(&self.directory.handle, ".", flags, Mode::empty()).map_err(failed)?;
        match flock(&handle, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(DirectoryLock { _handle: handle })),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(errno) => Err(failed(errno)),
        }
    }

    /// Returns the record of this name.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        name::check(name)?;
        match self.read_bounded(name) {
            Ok(content) => Ok(record::last_line(content)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.refused("cannot read", name, errno)),
        }
    }

    fn read_bounded(&self, name: &str) -> io::Result<Vec<u8>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&self.directory.handle, name, flags, Mode::empty())?;
        // A record is replaced and never changed, so this is its length; and room for all of it at
        // once leaves no partial copy behind.
        let len = usize::try_from(fstat(&file)?.st_size).map_err(|_| Errno::FBIG)?;
        if len > MAX_RECORD_LEN {
            return Err(Errno::FBIG);
        }
        let mut content = Vec::with_capacity(len);
        while content.len() < len {
            if retry_on_intr(|| io::read(&file, rustix::buffer::spare_capacity(&mut content)))? == 0
            {
                break;
            }
        }
        Ok(content)
    }

    /// Writes a record that is not locked, whole or not at all, in a new file. Not synced to a
    /// disk, see [`Lock::write`].
    pub fn write(&self, name: &str, record: &[u8]) -> Result<(), Failure> {
        name::check(name)?;
        let directory = &self.directory.handle;
        temporary::write(directory, name, record, RECORD_MODE, |file| fchmod(file, RECORD_MODE))
            .and_then(|(temporary, _)| {
                renameat(directory, &temporary, directory, name)
                    .inspect_err(|_| temporary::discard(directory, &temporary))
            })
            .map_err(|errno| self.refused("cannot write", name, errno))
    }

    /// Removes the record of this name, and says whether there was one.
    pub fn remove(&self, name: &str) -> Result<bool, Failure> {
        name::check(name)?;
        match unlinkat(&self.directory.handle, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(self.refused("cannot remove", name, errno)),
        }
    }

    /// Returns the names of all records, in no order, and of those that are about to be written,
    /// whose lock is held.
    pub fn names(&self) -> Result<Vec<String>, Failure> {
        let mut names = self.directory.names()?;
        names.retain(|name| name::check(name).is_ok());
        Ok(names)
    }

    /// Removes what crashes have left: temporary files, and files without a record. A file whose
    /// lock is held is still in use, and stays. Returns the removed temporary files only, since a
    /// file without a record is empty.
    pub fn sweep(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut removed = Vec::new();
        let mut failures = Failures::default();
        for entry in self.directory.names()? {
            let swept = if let Some(name) = name::of_temporary(&entry) {
                self.sweep_temporary(&entry, name)
            } else if name::check(&entry).is_ok() {
                self.sweep_empty(&entry).map(|()| false)
            } else {
                Ok(false)
            };
            match swept {
                Ok(true) => removed.push(self.directory.path_of(&entry)),
                Ok(false) => {}
                Err(failure) => failures.push(failure),
            }
        }
        failures.into_result().map(|()| removed)
    }

    fn sweep_temporary(&self, temporary: &str, name: &str) -> Result<bool, Failure> {
        let Some(lock) = self.try_lock(name)? else {
            return Ok(false);
        };
        let swept = match unlinkat(&self.directory.handle, temporary, AtFlags::empty()) {
            Ok(()) => true,
            // Its writer was still at work when the directory was listed.
            Err(Errno::NOENT) => false,
            Err(errno) => return Err(self.refused("cannot remove", temporary, errno)),
        };
        if !lock.has_record() {
            lock.remove()?;
        }
        Ok(swept)
    }

    fn sweep_empty(&self, name: &str) -> Result<(), Failure> {
        if self.has(name)? {
            return Ok(());
        }
        match self.try_lock(name)? {
            Some(lock) if !lock.has_record() => lock.remove(),
            _ => Ok(()),
        }
    }

    /// Returns the generation of the record, which changes with every write; `None` if there is no
    /// record.
    pub fn generation(&self, name: &str) -> Option<Generation> {
        let stat = statat(&self.directory.handle, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some(Generation(Seen::from(&stat)))
    }

    /// Returns whether there is a record of this name, readable or not.
    pub fn has(&self, name: &str) -> Result<bool, Failure> {
        name::check(name)?;
        match statat(&self.directory.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(stat.st_size > 0),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(self.refused("cannot examine", name, errno)),
        }
    }

    fn refused(&self, action: &str, name: &str, errno: Errno) -> Failure {
        refused(action, &self.directory.path_of(name), errno)
    }
}
