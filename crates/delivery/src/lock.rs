//! A lock that one holder has at a time, among all threads and processes, and that a crash
//! releases. It is on the record's own file, so that who holds it reads and writes the record by
//! the handle that is open already.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{AtFlags, FlockOperation, OFlags, fchmod, flock, fstat};
use rustix::io::{self, Errno, pread, retry_on_intr};
use s3_credential_core::Failure;

use crate::directory::Directory;
use crate::failure::refused;
use crate::record::{self, MAX_RECORD_LEN, RECORD_MODE};
use crate::stamp::{Generation, Seen};
use crate::steps::{openat, renameat, unlinkat};
use crate::temporary;

const FLAGS: OFlags = OFlags::RDWR
    .union(OFlags::CREATE)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::CLOEXEC);

/// The end of the first page: what a single write puts there is whole or absent, even if the writer
/// is killed meanwhile. Later lines may be torn: then the one before still counts.
const FIRST_LINE: usize = 4096;

/// A file that would become longer is replaced.
const LONGEST_FILE: usize = 2 * 4096;

/// The lock of one lease, and its record. Dropping it releases the lock; a file without a record
/// stays then, for [`StatePath::sweep`](crate::StatePath::sweep) or the next holder.
#[derive(Debug)]
#[must_use = "a lock is released when it is dropped"]
pub struct Lock {
    directory: Arc<Directory>,
    name: String,
    // The lock lives as long as this handle.
    handle: OwnedFd,
    len: usize,
    /// Until it is written.
    generation: Option<Generation>,
}

impl Lock {
    /// Takes the lock; `None` if it is held elsewhere. Its file is created if it is missing.
    pub(crate) fn try_take(
        directory: &Arc<Directory>,
        name: &str,
    ) -> Result<Option<Self>, Failure> {
        let failed = |errno| refused("cannot lock", &directory.path_of(name), errno);
        loop {
            let handle = openat(&directory.handle, name, FLAGS, RECORD_MODE).map_err(failed)?;
            match flock(&handle, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(errno) => return Err(failed(errno)),
            }
            let stat = fstat(&handle).map_err(failed)?;
            // Between the open and the lock, a holder may have removed or replaced the file: then
            // others lock a new one.
            if stat.st_nlink > 0 {
                // A umask may keep even its owner from opening it again.
                if stat.st_mode & 0o777 != RECORD_MODE.as_raw_mode() {
                    fchmod(&handle, RECORD_MODE).map_err(failed)?;
                }
                let len = usize::try_from(stat.st_size).unwrap_or(usize::MAX);
                let directory = Arc::clone(directory);
                let generation = Some(Generation(Seen::from(&stat)));
                return Ok(Some(Self {
                    directory,
                    name: name.to_owned(),
                    handle,
                    len,
                    generation,
                }));
            }
        }
    }

    /// Returns the record's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether there is a record, readable or not.
    pub fn has_record(&self) -> bool {
        self.len > 0
    }

    /// Returns what [`StatePath::generation`](crate::StatePath::generation) returns until the
    /// record is written; `None` once this lock has written it.
    pub fn generation(&self) -> Option<Generation> {
        self.generation
    }

    /// Returns the record.
    pub fn read(&self) -> Result<Option<Vec<u8>>, Failure> {
        let read = || -> io::Result<Vec<u8>> {
            if self.len > MAX_RECORD_LEN {
                return Err(Errno::FBIG);
            }
            let mut content = vec![0; self.len];
            let mut filled = 0;
            while filled < content.len() {
                match retry_on_intr(|| pread(&self.handle, &mut content[filled..], filled as u64))?
                {
                    0 => break,
                    read => filled += read,
                }
            }
            content.truncate(filled);
            Ok(content)
        };
        if !self.has_record() {
            return Ok(None);
        }
        read().map(record::last_line).map_err(|errno| self.refused("cannot read", errno))
    }

    /// Writes the record, whole or not at all. Not synced to a disk: the state path is on tmpfs, as
    /// the mounts are gone with a reboot.
    pub fn write(&mut self, record: &[u8]) -> Result<(), Failure> {
        let line = record::line(record)?;
        self.generation = None;
        let longest = if self.has_record() { LONGEST_FILE } else { FIRST_LINE };
        let written = if self.len.saturating_add(line.len()) <= longest {
            temporary::write_all(&self.handle, self.len as u64, &line)
                .map(|()| self.len += line.len())
        } else {
            self.replace(&line)
        };
        written.map_err(|errno| self.refused("cannot write", errno))
    }

    /// Starts a new file, which is locked before it can be found.
    fn replace(&mut self, line: &[u8]) -> io::Result<()> {
        let directory = &self.directory.handle;
        let lock = |new: &OwnedFd| {
            fchmod(new, RECORD_MODE)?;
            flock(new, FlockOperation::NonBlockingLockExclusive)
        };
        let (temporary, handle) = temporary::write(directory, &self.name, line, RECORD_MODE, lock)?;
        renameat(directory, &temporary, directory, &self.name)
            .inspect_err(|_| temporary::discard(directory, &temporary))?;
        (self.handle, self.len) = (handle, line.len());
        Ok(())
    }

    /// Removes the record, and releases the lock. For a lease that is gone: no waiter on the old
    /// file takes it for the lock.
    pub fn remove(self) -> Result<(), Failure> {
        match unlinkat(&self.directory.handle, &self.name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.refused("cannot remove", errno)),
        }
    }

    fn refused(&self, action: &str, errno: Errno) -> Failure {
        refused(action, &self.directory.path_of(&self.name), errno)
    }
}
