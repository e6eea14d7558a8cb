//! A lock that one holder has at a time, among all threads and processes, and that a crash releases.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, flock, fstat, openat, unlinkat};
use rustix::io::Errno;
use s3_credential_core::Failure;

use crate::directory::Directory;
use crate::failure::refused;
use crate::name;

/// The lock of one lease. Dropping it releases it.
#[derive(Debug)]
#[must_use = "a lock is released when it is dropped"]
pub struct Lock {
    directory: Arc<Directory>,
    file: String,
    // Held open: the lock lives as long as this handle.
    _handle: OwnedFd,
}

impl Lock {
    /// Takes the lock, unless somebody else holds it.
    pub(crate) fn try_take(
        directory: &Arc<Directory>,
        name: &str,
    ) -> Result<Option<Self>, Failure> {
        let file = file_name(name);
        let flags =
            OFlags::RDONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let failed = |errno| refused("cannot lock", &directory.path_of(&file), errno);
        loop {
            let handle =
                openat(&directory.handle, &file, flags, Mode::RUSR | Mode::WUSR).map_err(failed)?;
            match flock(&handle, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(errno) => return Err(failed(errno)),
            }
            // Between the open and the lock, a holder may have removed the file: then others lock a new one.
            if fstat(&handle).map_err(failed)?.st_nlink > 0 {
                return Ok(Some(Self { directory: Arc::clone(directory), file, _handle: handle }));
            }
        }
    }

    /// Removes the lock's file, and releases the lock. For a lease that is gone: nobody who waits for the old file takes it for the
    /// lock.
    pub fn remove(self) -> Result<(), Failure> {
        match unlinkat(&self.directory.handle, &self.file, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(refused("cannot remove", &self.directory.path_of(&self.file), errno)),
        }
    }
}

/// Starts with a dot, which no record's name does.
fn file_name(name: &str) -> String {
    format!(".{name}.lock")
}

/// Of which lease a file is the lock.
pub(crate) fn name_of(file: &str) -> Option<&str> {
    let name = file.strip_prefix('.')?.strip_suffix(".lock")?;
    name::check(name).is_ok().then_some(name)
}
