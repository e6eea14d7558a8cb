//! The directory under which each volume has its own.

use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, mkdirat, statat};
use rustix::io::Errno;
use s3_credential_core::{ErrorKind, Failure, PlannedFile};

use crate::access::{Access, explain};
use crate::apply::{Existing, Volume, WrittenFile};
use crate::directory::{Directory, cannot_enter, enter};
use crate::failure::{Quoted, refused};
use crate::options::FileOptions;
use crate::{effective_uid, name, removal};

/// An open write path. Whatever happens to its path meanwhile, this stays the same directory.
///
/// Two calls for one volume never overlap: the caller holds the volume's lock, see [`StatePath::try_lock`](crate::StatePath::try_lock).
#[derive(Debug)]
pub struct WritePath {
    directory: Directory,
    uid: u32,
    gid: u32,
    driver: u32,
}

impl WritePath {
    /// Opens the directory, which must exist. Its prefix may hold symbolic links; its last component may be none.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        Self::open_if_exists(path)?.ok_or_else(|| {
            Failure::new(
                ErrorKind::FileSystem,
                format!("the write path {} does not exist", Quoted(path)),
            )
            .with_help("create it, or correct the write path")
        })
    }

    /// As [`WritePath::open`], but a directory that does not exist is none.
    pub fn open_if_exists(path: &Path) -> Result<Option<Self>, Failure> {
        if path.as_os_str().is_empty() {
            return Err(Failure::new(ErrorKind::InvalidRequest, "the write path is empty")
                .with_help("name the directory that credentials are written to"));
        }
        let Some(directory) = Directory::open(path)? else {
            return Ok(None);
        };
        let stat = directory.stat()?;
        Ok(Some(Self { directory, uid: stat.st_uid, gid: stat.st_gid, driver: effective_uid() }))
    }

    /// The path, as it was given.
    pub fn path(&self) -> &Path {
        &self.directory.path
    }

    /// Writes the files of a plan into a volume's directory, which is made if it is missing: all of them, or none.
    ///
    /// After a failure, the directory is as it was: gone if it was not there, and with the old files if it was. (With
    /// [`Existing::Replace`], strangers' files may be gone.) A reader sees the old or the new bytes of a file, never part; until the
    /// files have their names, they can be read by nobody but whom the options say.
    ///
    /// What is in the place of a file is replaced, be it a symbolic link, a hard link, a FIFO or a directory. What is in the place of
    /// the volume's directory is not: a link or a file there is an error. A directory of another user there is an error for a live
    /// mount, and otherwise removed; users that are trusted are the driver's, the owner in the options, and the write path's owner.
    ///
    /// The group is the write path's, unless the options name an owner or let the owner only read; that it cannot be set is an error
    /// then, since a Mountpoint that is not root reads by its group.
    pub fn apply(
        &self,
        directory: &str,
        files: &[PlannedFile],
        options: &FileOptions,
        existing: Existing,
    ) -> Result<Vec<WrittenFile>, Failure> {
        name::check(directory)?;
        files.iter().try_for_each(|file| name::check(file.name))?;
        options.check()?;
        let is_new = self.make(directory, options, existing)?;
        let written = self
            .volume(directory, options, is_new)
            .and_then(|volume| volume.write(files, existing));
        if is_new && written.is_err() {
            // The failure that led here is the one to tell.
            let _ = removal::remove(&self.directory, directory);
        }
        written
    }

    /// Makes the volume's directory, and says whether it was not there.
    fn make(
        &self,
        directory: &str,
        options: &FileOptions,
        existing: Existing,
    ) -> Result<bool, Failure> {
        if self.make_new(directory)? {
            return Ok(true);
        }
        if existing == Existing::Replace && self.is_foreign(directory, options) {
            removal::remove(&self.directory, directory)?;
            return self.make_new(directory);
        }
        Ok(false)
    }

    fn make_new(&self, directory: &str) -> Result<bool, Failure> {
        match mkdirat(&self.directory.handle, directory, Mode::RWXU) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(errno) => Err(refused("cannot create", &self.directory.path_of(directory), errno)),
        }
    }

    /// Whether there is a directory, and another user's.
    fn is_foreign(&self, directory: &str, options: &FileOptions) -> bool {
        statat(&self.directory.handle, directory, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|stat| {
            FileType::from_raw_mode(stat.st_mode) == FileType::Directory
                && !self.trusts(stat.st_uid, options)
        })
    }

    fn volume(
        &self,
        directory: &str,
        options: &FileOptions,
        is_new: bool,
    ) -> Result<Volume, Failure> {
        let directory = self.enter(directory)?;
        let stat = directory.stat()?;
        if !self.trusts(stat.st_uid, options) {
            return Err(Failure::new(
                ErrorKind::FileSystem,
                format!(
                    "{} belongs to user {}, who is none of ours",
                    Quoted(&directory.path),
                    stat.st_uid
                ),
            )
            .with_help("find out who put it there, and remove it"));
        }
        let access = self.access(options, options.directory_mode());
        access.give(&directory.handle, &stat).map_err(|errno| {
            explain(refused("cannot set the owner and mode of", &directory.path, errno), errno)
        })?;
        Ok(Volume { directory, is_new, files: self.access(options, options.file_mode()) })
    }

    fn enter(&self, directory: &str) -> Result<Directory, Failure> {
        let parent = self.directory.handle.as_fd();
        let path = self.directory.path_of(directory);
        match enter(parent, directory) {
            Ok(handle) => Ok(Directory { handle, path }),
            Err(errno) => Err(cannot_enter(parent, directory, &path, errno)),
        }
    }

    fn access(&self, options: &FileOptions, mode: u32) -> Access {
        let group = (!options.owner_only).then_some(self.gid);
        Access {
            uid: options.owner.map(|owner| owner.uid),
            gid: options.owner.map(|owner| owner.gid).or(group),
            mode,
        }
    }

    fn trusts(&self, uid: u32, options: &FileOptions) -> bool {
        uid == self.driver || uid == self.uid || options.owner.is_some_and(|owner| owner.uid == uid)
    }

    /// Removes a volume's directory with whatever is in it, following nothing, and returns what was removed: the directory and what
    /// was directly in it, of which a thousand are told. Not there is fine. A failure tells of all that could not be removed.
    pub fn remove(&self, directory: &str) -> Result<Vec<PathBuf>, Failure> {
        name::check(directory)?;
        removal::remove(&self.directory, directory)
    }

    /// Removes the temporary files that a crash has left in a volume's directory, and returns them.
    pub fn sweep_temporary(&self, directory: &str) -> Result<Vec<PathBuf>, Failure> {
        name::check(directory)?;
        let path = self.directory.path_of(directory);
        match enter(&self.directory.handle, directory).and_then(Dir::new) {
            Ok(mut entries) => removal::empty(&path, &mut entries, name::is_temporary),
            Err(Errno::NOENT) => Ok(Vec::new()),
            Err(errno) => Err(refused("cannot open", &path, errno)),
        }
    }

    /// The names of all volumes' directories, in no order.
    pub fn directories(&self) -> Result<Vec<String>, Failure> {
        let mut names = self.directory.names()?;
        names.retain(|name| name::is_directory_name(name));
        Ok(names)
    }
}
