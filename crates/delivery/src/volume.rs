//! The volume's directory, before anything is written into it.

use std::os::fd::AsFd as _;

use rustix::fs::{AtFlags, FileType, Mode, Stat, statat};
use rustix::io::Errno;
use s3_credential_core::{ErrorKind, Failure, Owner};

use crate::access::{Access, explain};
use crate::directory::{Directory, cannot_enter, enter};
use crate::failure::{Quoted, refused};
use crate::options::FileOptions;
use crate::removal::remove;
use crate::steps::mkdirat;
use crate::write_path::WritePath;

/// The treatment of an existing directory of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// No mount uses its files: everything but the new files is removed.
    Replace,
    /// It serves a live mount: the new files take the place of their predecessors, and all else
    /// stays. A file that is as it should be is not written again.
    Update,
}

/// A request for a volume's directory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VolumeRequest<'a> {
    pub(crate) write_path: &'a WritePath,
    pub(crate) name: &'a str,
    pub(crate) options: &'a FileOptions,
    pub(crate) existing: Existing,
}

/// A volume's directory that is ours, with the owner and mode that it should have.
#[derive(Debug)]
pub(crate) struct Volume {
    pub(crate) directory: Directory,
    /// The metadata of the directory, before any correction.
    pub(crate) stat: Stat,
    /// Whether this call created the directory, which its caller removes after a failure.
    pub(crate) is_new: bool,
    /// The access of its files.
    pub(crate) files: Access,
}

impl VolumeRequest<'_> {
    /// Makes the directory, and says whether it was not there.
    pub(crate) fn make(&self) -> Result<bool, Failure> {
        if self.make_new()? {
            return Ok(true);
        }
        if self.existing == Existing::Replace && self.is_foreign() {
            remove(&self.write_path.directory, self.name)?;
            return self.make_new();
        }
        Ok(false)
    }

    fn make_new(&self) -> Result<bool, Failure> {
        let parent = &self.write_path.directory;
        let mode =
            Mode::from_raw_mode(self.access(self.options.directory_mode(), None).initial_mode);
        match mkdirat(&parent.handle, self.name, mode) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(errno) => Err(refused("cannot create", &parent.path_of(self.name), errno)),
        }
    }

    /// Returns whether there is a directory of another user.
    fn is_foreign(&self) -> bool {
        let parent = &self.write_path.directory.handle;
        statat(parent, self.name, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|stat| {
            FileType::from_raw_mode(stat.st_mode) == FileType::Directory
                && !self.trusts(stat.st_uid)
        })
    }

    /// Opens the directory, and puts its owner and mode right.
    pub(crate) fn open(&self, is_new: bool) -> Result<Volume, Failure> {
        let volume = self.look()?;
        let Volume { directory, stat, .. } = &volume;
        if !self.trusts(stat.st_uid) {
            let path = Quoted(&directory.path);
            let message = format!("{path} belongs to user {}, who is none of ours", stat.st_uid);
            return Err(Failure::new(ErrorKind::FileSystem, message)
                .with_help("find out who put it there, and remove it"));
        }
        let there = Some(stat).filter(|_| !is_new);
        let files = self.access(self.options.file_mode(), there);
        let access = self.access(self.options.directory_mode(), there);
        access.give(&directory.handle, stat).map_err(|errno| {
            explain(refused("cannot set the owner and mode of", &directory.path, errno), errno)
        })?;
        Ok(Volume { is_new, files, ..volume })
    }

    /// Opens the directory, and leaves it unchanged.
    pub(crate) fn look(&self) -> Result<Volume, Failure> {
        let directory = self.enter()?;
        let stat = directory.stat()?;
        let files = self.access(self.options.file_mode(), Some(&stat));
        Ok(Volume { directory, stat, is_new: false, files })
    }

    fn enter(&self) -> Result<Directory, Failure> {
        let parent = &self.write_path.directory;
        let path = parent.path_of(self.name);
        match enter(&parent.handle, self.name) {
            Ok(handle) => Ok(Directory { handle, path }),
            Err(errno) => Err(cannot_enter(parent.handle.as_fd(), self.name, &path, errno)),
        }
    }

    /// `there` is what the directory is now. The group that a live mount reads by stays, whatever
    /// becomes of the write path's.
    fn access(&self, mode: u32, there: Option<&Stat>) -> Access {
        let WritePath { owner: Owner { gid: of_write_path, .. }, driver, .. } = self.write_path;
        let there = there.filter(|_| self.existing == Existing::Update);
        let inherited = &there.map_or(*of_write_path, |stat| stat.st_gid);
        let (uid, gid) = match self.options.owner {
            Some(owner) => (Some(owner.uid), Some(owner.gid)),
            None if self.options.owner_only => (None, None),
            None => {
                let configured = self.options.group.filter(|_| there.is_none());
                (None, configured.or(Some(*inherited)))
            }
        };
        // Whether new files have the group of their directory or of their maker, they have the
        // right one.
        let is_right_from_the_start = uid.is_none_or(|uid| uid == driver.uid)
            && gid.is_none_or(|gid| gid == driver.gid && gid == *inherited);
        let initial_mode = if is_right_from_the_start { mode } else { mode & 0o700 };
        Access { uid, gid, mode, initial_mode }
    }

    fn trusts(&self, uid: u32) -> bool {
        let owner = self.options.owner.map(|owner| owner.uid);
        uid == self.write_path.driver.uid || uid == self.write_path.owner.uid || Some(uid) == owner
    }
}
