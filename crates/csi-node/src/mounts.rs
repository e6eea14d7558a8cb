//! The mounts of this node: what the service asks of the kernel, behind a trait, so that tests need
//! no privileges.

mod linux;
mod mountinfo;

use std::fmt;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

pub use linux::LinuxMounts;
pub use mountinfo::parse_mountinfo;

/// The name of Mountpoint's file systems in the mount table.
pub(crate) const FUSE_SOURCE: &str = "mountpoint-s3";

/// One line of the mount table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountEntry {
    /// Where it is mounted.
    pub path: PathBuf,
    /// The kind of file system: `fuse` for Mountpoint's.
    pub file_system: String,
    /// What is mounted: `mountpoint-s3`, of every driver that uses Mountpoint.
    pub source: String,
    /// The device's number. A bind mount has that of its source.
    pub device: String,
}

/// The options of a FUSE mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FuseOptions {
    /// The user that serves the file system.
    pub uid: u32,
    /// The group that serves the file system.
    pub gid: u32,
    /// Whether the kernel refuses every write.
    pub read_only: bool,
}

/// The size of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// All bytes.
    pub total: u64,
    /// Bytes that an unprivileged user may still write.
    pub available: u64,
    /// All inodes.
    pub inodes: u64,
    /// Inodes that are left.
    pub free_inodes: u64,
}

/// The kernel's mounts and the directories below the plugin directory. Every call may block.
pub trait Mounts: fmt::Debug + Send + Sync + 'static {
    /// Returns the mount table, in the order of mounting.
    fn list(&self) -> io::Result<Vec<MountEntry>>;

    /// Mounts a FUSE file system, and returns the descriptor by which a process serves it. The
    /// caller keeps no copy.
    fn mount_fuse(&self, at: &Path, options: FuseOptions) -> io::Result<OwnedFd>;

    /// Mounts the file system at `source` at `target` too.
    fn bind(&self, source: &Path, target: &Path, read_only: bool) -> io::Result<()>;

    /// Unmounts the topmost mount at a path. A mount that is in use leaves the tree at once, and
    /// ends with its last user.
    fn unmount(&self, path: &Path) -> io::Result<()>;

    /// Makes a directory with this mode, and its parents. An existing directory is kept.
    fn make_directory(&self, path: &Path, mode: u32) -> io::Result<()>;

    /// Gives a directory to a user and a group.
    fn give_directory(&self, path: &Path, uid: u32, gid: u32) -> io::Result<()>;

    /// Removes an empty directory; a missing one is fine.
    fn remove_directory(&self, path: &Path) -> io::Result<()>;

    /// Removes a directory with all that is in it, following no link; a missing one is fine.
    fn remove_tree(&self, path: &Path) -> io::Result<()>;

    /// Returns the size of the file system at a path. It fails with `ENOTCONN` where its process
    /// has ended.
    fn usage(&self, path: &Path) -> io::Result<Usage>;

    /// Returns the names in a directory; none if it is missing.
    fn names(&self, path: &Path) -> io::Result<Vec<String>>;
}

/// Returns the topmost mount at this very path. Links in its parents are followed, as the mount
/// table has it.
pub fn mounted_at<'a>(entries: &'a [MountEntry], path: &Path) -> Option<&'a MountEntry> {
    let parent = path.parent().and_then(|parent| fs::canonicalize(parent).ok());
    let path = match (parent, path.file_name()) {
        (Some(parent), Some(name)) => parent.join(name),
        _ => path.to_owned(),
    };
    entries.iter().rfind(|entry| entry.path == path)
}

/// Returns whether something is mounted at this very path.
pub fn is_mounted(entries: &[MountEntry], path: &Path) -> bool {
    mounted_at(entries, path).is_some()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code: a failed expectation stops the test")]

    use super::*;

    #[test]
    fn a_mount_below_a_linked_directory_is_found() {
        let scratch = tempfile::tempdir().unwrap();
        let real = scratch.path().canonicalize().unwrap().join("real");
        fs::create_dir_all(real.join("pods")).unwrap();
        let link = scratch.path().join("link");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let [lower, upper] = ["0:1", "0:2"].map(|device| MountEntry {
            path: real.join("pods/mount"),
            file_system: "fuse".to_owned(),
            source: "mountpoint-s3".to_owned(),
            device: device.to_owned(),
        });
        let entries = [lower, upper.clone()];
        assert_eq!(mounted_at(&entries, &link.join("pods/mount")), Some(&upper));
        assert_eq!(mounted_at(&entries, &link.join("pods")), None);
        assert_eq!(mounted_at(&entries, &link.join("missing/mount")), None);
    }
}
