//! The directory under which each volume has its own.

use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, statat};
use rustix::io::Errno;
use rustix::process::getegid;
use s3_credential_core::{ErrorKind, Failure, Owner, PlannedFile};

use crate::apply::Applied;
use crate::directory::{Directory, canonical, enter};
use crate::failure::{Quoted, refused};
use crate::options::FileOptions;
use crate::volume::{Existing, VolumeRequest};
use crate::{effective_uid, name, removal};

/// An open write path. Whatever happens to its path meanwhile, this stays the same directory.
///
/// Two calls for one volume never overlap: the caller holds the volume's lock, see
/// [`StatePath::try_lock`](crate::StatePath::try_lock).
#[derive(Debug)]
pub struct WritePath {
    pub(crate) directory: Directory,
    without_links: bool,
    /// The owner of the write path.
    pub(crate) owner: Owner,
    /// The owner of the files that this process creates.
    pub(crate) driver: Owner,
}

impl WritePath {
    /// Opens the directory, which must exist. Its prefix may hold symbolic links; its last
    /// component may be none.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        Self::open_if_exists(path)?.ok_or_else(|| {
            Failure::new(
                ErrorKind::FileSystem,
                format!("the write path {} does not exist", Quoted(path)),
            )
            .with_help("create it, or correct the write path")
        })
    }

    /// Opens like [`WritePath::open`], but returns `None` for a missing directory.
    pub fn open_if_exists(path: &Path) -> Result<Option<Self>, Failure> {
        if path.as_os_str().is_empty() {
            return Err(Failure::new(ErrorKind::InvalidRequest, "the write path is empty")
                .with_help("name the directory that credentials are written to"));
        }
        let Some((directory, without_links)) = Directory::open_looking_for_links(path)? else {
            return Ok(None);
        };
        let stat = directory.stat()?;
        let owner = Owner { uid: stat.st_uid, gid: stat.st_gid };
        let driver = Owner { uid: effective_uid(), gid: getegid().as_raw() };
        Ok(Some(Self { directory, without_links, owner, driver }))
    }

    /// Returns the path, as it was given.
    pub fn path(&self) -> &Path {
        &self.directory.path
    }

    /// Returns the path without symbolic links, which is the same for all that lead here.
    pub fn canonical(&self) -> PathBuf {
        canonical(self.path(), self.without_links)
    }

    /// Writes the files of a plan into a volume's directory, which is made if it is missing: all of
    /// them, or none.
    ///
    /// After a failure, the directory is unchanged: absent if it was absent, and with the old files
    /// if it existed. (Its mode may be corrected, and with [`Existing::Replace`], foreign files may
    /// be gone.) A reader sees the old or the new bytes of a file, never a part. Before the files
    /// get their names, only the owner and group of the options can read them.
    ///
    /// What is in the place of a file is replaced, be it a symbolic link, a hard link, a FIFO or a
    /// directory. What is in the place of the volume's directory is not: a link or a file there is
    /// an error. A directory of another user there is an error for a live mount, and otherwise
    /// removed; users that are trusted are the driver's, the owner in the options, and the write
    /// path's owner.
    ///
    /// The group is the write path's, unless the options name an owner or let the owner only read;
    /// that it cannot be set is an error then, since a Mountpoint that is not root reads by its
    /// group.
    pub fn apply(
        &self,
        directory: &str,
        files: &[PlannedFile],
        options: &FileOptions,
        existing: Existing,
    ) -> Result<Applied, Failure> {
        name::check(directory)?;
        files.iter().try_for_each(|file| name::check(file.name))?;
        options.check()?;
        let request = VolumeRequest { write_path: self, name: directory, options, existing };
        let is_new = request.make()?;
        let written = request.open(is_new).and_then(|volume| volume.write(files, existing));
        if is_new && written.is_err() {
            // Only the failure that led here is reported.
            let _ = removal::remove(&self.directory, directory);
        }
        written
    }

    /// Removes a volume's directory with all that is in it, without following links. Returns the
    /// removed paths: the directory and up to a thousand of its direct entries. A missing directory
    /// is no error. A failure names all that could not be removed.
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

    /// Returns whether there is a volume's directory of this name. It opens no file, so it works
    /// without a free descriptor.
    pub fn contains(&self, directory: &str) -> bool {
        name::check(directory).is_ok()
            && statat(&self.directory.handle, directory, AtFlags::SYMLINK_NOFOLLOW)
                .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
    }

    /// Returns the names of the files in a volume's directory, temporary ones left out, sorted.
    /// Empty if there is none.
    pub fn file_names(&self, directory: &str) -> Result<Vec<String>, Failure> {
        name::check(directory)?;
        let path = self.directory.path_of(directory);
        let handle = match enter(&self.directory.handle, directory) {
            Ok(handle) => handle,
            Err(Errno::NOENT) => return Ok(Vec::new()),
            Err(errno) => return Err(refused("cannot open", &path, errno)),
        };
        let mut names = Directory { handle, path }.names()?;
        names.retain(|name| name::of_temporary(name).is_none());
        names.sort_unstable();
        Ok(names)
    }

    /// Returns whether the files of a plan are in a volume's directory already, byte by byte. It
    /// does not write.
    pub fn has(&self, directory: &str, files: &[PlannedFile], options: &FileOptions) -> bool {
        if name::check(directory).is_err() || options.check().is_err() {
            return false;
        }
        let existing = Existing::Update;
        let request = VolumeRequest { write_path: self, name: directory, options, existing };
        request.look().is_ok_and(|volume| files.iter().all(|file| volume.find(file).is_some()))
    }

    /// Returns the names of all volumes' directories, in no order.
    pub fn directories(&self) -> Result<Vec<String>, Failure> {
        let mut names = self.directory.names()?;
        names.retain(|name| name::is_directory_name(name));
        Ok(names)
    }
}
