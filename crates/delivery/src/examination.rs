//! The examination of the directories and the system, without a change.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags, ResolveFlags, accessat, fstatvfs, openat2};
use rustix::io::Errno;
use s3_credential_core::{Failure, Owner};

use crate::directory::Directory;
use crate::failure::refused;
use crate::tmpfs::is_in_memory;
use crate::{StatePath, WritePath};

/// The state of a directory that the driver can write to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DirectoryState {
    /// Its permission bits.
    pub mode: u32,
    /// The owner of the directory.
    pub owner: Owner,
    /// Whether what is written there stays in memory.
    pub is_in_memory: bool,
    /// Whether there is no room left.
    pub is_full: bool,
}

impl WritePath {
    /// Returns its state. Fails where the driver cannot write to it.
    pub fn examine(&self) -> Result<DirectoryState, Failure> {
        examine(&self.directory)
    }
}

impl StatePath {
    /// Returns the state of the state path; `None` where it is missing and can be created. Fails
    /// where [`StatePath::open`] would.
    pub fn examine(path: &Path) -> Result<Option<DirectoryState>, Failure> {
        if let Some(directory) = Directory::open(path)? {
            Self::open(path)?;
            return examine(&directory).map(Some);
        }
        let parent = match path.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        accessat(CWD, &parent, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS)
            .map(|()| None)
            .map_err(|errno| refused("cannot create the state path", path, errno))
    }
}

fn examine(directory: &Directory) -> Result<DirectoryState, Failure> {
    let Directory { handle, path } = directory;
    accessat(handle, ".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS)
        .map_err(|errno| refused("cannot write to", path, errno))?;
    let stat = directory.stat()?;
    let room = fstatvfs(handle).map_err(|errno| refused("cannot examine", path, errno))?;
    Ok(DirectoryState {
        mode: stat.st_mode & 0o7777,
        owner: Owner { uid: stat.st_uid, gid: stat.st_gid },
        is_in_memory: is_in_memory(path),
        // A tmpfs without a limit has no blocks at all.
        is_full: room.f_blocks > 0 && room.f_bavail == 0,
    })
}

/// Returns whether the kernel, and any filter of its calls, allows `openat2`. Without it
/// directories are opened in two steps.
pub fn has_openat2() -> bool {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = openat2(CWD, ".", flags, Mode::empty(), ResolveFlags::NO_SYMLINKS);
    !matches!(opened, Err(Errno::NOSYS | Errno::PERM))
}
