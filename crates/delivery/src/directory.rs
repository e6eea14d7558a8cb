//! An open directory, from which everything beneath is reached: one component at a time, following
//! no symbolic link.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat, openat2, statat,
};
use rustix::io::{self, Errno};
use rustix::path::Arg;
use s3_credential_core::{ErrorKind, Failure};

use crate::failure::{Quoted, refused};

// On a directory an open never blocks, and on anything else it fails.
const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

// What is mounted beneath a write path is not ours: emptying it could empty a bucket.
const BENEATH: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_XDEV);

/// A directory by its handle. The path is for messages only.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) handle: OwnedFd,
    pub(crate) path: PathBuf,
}

/// Opens a directory by its path, and returns whether the path holds no symbolic link, with one
/// call.
fn open_directory(path: &Path) -> io::Result<(OwnedFd, bool)> {
    match openat2(CWD, path, DIRECTORY, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
        // A link, or no such call.
        Err(Errno::LOOP | Errno::NOSYS | Errno::PERM) => {
            openat(CWD, path, DIRECTORY, Mode::empty()).map(|handle| (handle, false))
        }
        opened => opened.map(|handle| (handle, true)),
    }
}

/// Removes redundant slashes and dots. A slash at the end would make the kernel follow a link.
fn plain(path: &Path) -> PathBuf {
    path.components().collect()
}

/// Returns a directory's path without symbolic links, or the path unchanged where it cannot be
/// resolved.
pub(crate) fn canonical(path: &Path, without_links: bool) -> PathBuf {
    let is_plain =
        path.is_absolute() && !path.components().any(|part| part == Component::ParentDir);
    if without_links && is_plain {
        plain(path)
    } else {
        path.canonicalize().unwrap_or_else(|_| path.to_owned())
    }
}

impl Directory {
    /// Opens a directory by its path, whose prefix may hold symbolic links, but not its last
    /// component. None if there is none.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>, Failure> {
        Ok(Self::open_looking_for_links(path)?.map(|(directory, _)| directory))
    }

    /// Opens like [`Directory::open`], and returns whether the path is without symbolic links.
    pub(crate) fn open_looking_for_links(path: &Path) -> Result<Option<(Self, bool)>, Failure> {
        let plain = plain(path);
        match open_directory(&plain) {
            Ok((handle, without_links)) => {
                Ok(Some((Self { handle, path: path.to_owned() }, without_links)))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(cannot_enter(CWD, &plain, path, errno)),
        }
    }

    /// Returns the kernel's metadata of this directory.
    pub(crate) fn stat(&self) -> Result<Stat, Failure> {
        fstat(&self.handle).map_err(|errno| refused("cannot examine", &self.path, errno))
    }

    /// Returns the path of an entry, for messages and results.
    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Returns the names of all entries but those that are not UTF-8, which are not ours.
    pub(crate) fn names(&self) -> Result<Vec<String>, Failure> {
        let list = || -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in Dir::read_from(&self.handle)? {
                let entry = entry?;
                match entry.file_name().to_str() {
                    Ok("." | "..") | Err(_) => {}
                    Ok(name) => names.push(name.to_owned()),
                }
            }
            Ok(names)
        };
        list().map_err(|errno| refused("cannot list", &self.path, errno))
    }
}

/// Opens a directory within another.
pub(crate) fn enter(parent: impl AsFd, name: impl Arg + Copy) -> io::Result<OwnedFd> {
    match openat2(&parent, name, DIRECTORY, Mode::empty(), BENEATH) {
        // A kernel before 5.6, or a seccomp filter that is older than the call. A name is one
        // component, without another one between the parent and the entry. What is left to check is
        // that no other file system is mounted there.
        Err(Errno::NOSYS | Errno::PERM) => {
            let handle = openat(&parent, name, DIRECTORY, Mode::empty())?;
            if fstat(&handle)?.st_dev == fstat(&parent)?.st_dev {
                Ok(handle)
            } else {
                Err(Errno::XDEV)
            }
        }
        opened => opened,
    }
}

/// Says what is in the way where a directory cannot be opened.
pub(crate) fn cannot_enter(
    parent: BorrowedFd<'_>,
    name: impl Arg,
    path: &Path,
    errno: Errno,
) -> Failure {
    let what = match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
        .map(|stat| FileType::from_raw_mode(stat.st_mode))
    {
        Ok(FileType::Symlink) => "a symbolic link",
        Ok(FileType::Directory) | Err(_) => return refused("cannot open", path, errno),
        Ok(_) => "a file",
    };
    Failure::new(
        ErrorKind::FileSystem,
        format!("{} is {what} where a directory is needed", Quoted(path)),
    )
    .with_help("find out who put it there, and remove it")
}
