//! mount(2) and its company, through rustix: no unsafe code.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, Uid, chownat, open, statvfs};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind, mount_remount, unmount};

use super::{FUSE_SOURCE, FuseOptions, MountEntry, Mounts, Usage, parse_mountinfo};

/// The device of file systems in user space.
const FUSE_DEVICE: &str = "/dev/fuse";

/// The mounts of the namespace that this process is in.
#[derive(Debug, Clone, Copy, Default)]
pub struct LinuxMounts;

impl Mounts for LinuxMounts {
    fn list(&self) -> io::Result<Vec<MountEntry>> {
        Ok(parse_mountinfo(&fs::read("/proc/self/mountinfo")?))
    }

    fn mount_fuse(&self, at: &Path, options: FuseOptions) -> io::Result<OwnedFd> {
        let device = open(FUSE_DEVICE, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
        let FuseOptions { uid, gid, read_only } = options;
        // Workloads run as other users than Mountpoint's; modes and owners of files decide, as on
        // any file system.
        let data = format!(
            "fd={},rootmode=40000,user_id={uid},group_id={gid},default_permissions,allow_other",
            device.as_raw_fd()
        );
        let data = CString::new(data)?;
        let mut flags = MountFlags::NODEV | MountFlags::NOSUID | MountFlags::NOATIME;
        flags.set(MountFlags::RDONLY, read_only);
        mount(FUSE_SOURCE, at, "fuse", flags, Some(data.as_c_str()))?;
        Ok(device)
    }

    fn bind(&self, source: &Path, target: &Path, read_only: bool) -> io::Result<()> {
        mount_bind(source, target)?;
        if read_only {
            let flags = MountFlags::BIND
                | MountFlags::RDONLY
                | MountFlags::NODEV
                | MountFlags::NOSUID
                | MountFlags::NOATIME;
            if let Err(errno) = mount_remount(target, flags, c"") {
                let _ = unmount(target, UnmountFlags::DETACH);
                return Err(errno.into());
            }
        }
        Ok(())
    }

    fn unmount(&self, path: &Path) -> io::Result<()> {
        let flags = UnmountFlags::NOFOLLOW;
        match unmount(path, flags) {
            Err(Errno::BUSY) => Ok(unmount(path, flags | UnmountFlags::DETACH)?),
            result => Ok(result?),
        }
    }

    fn make_directory(&self, path: &Path, mode: u32) -> io::Result<()> {
        if let Some(parent) = path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o755).create(parent)?;
        }
        match fs::DirBuilder::new().mode(mode).create(path) {
            Ok(()) => fs::set_permissions(path, fs::Permissions::from_mode(mode)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // A mount whose process has ended cannot be looked at, and is a directory all the
                // same.
                match fs::symlink_metadata(path) {
                    Ok(found) if !found.is_dir() => Err(error),
                    _ => Ok(()),
                }
            }
            Err(error) => Err(error),
        }
    }

    fn give_directory(&self, path: &Path, uid: u32, gid: u32) -> io::Result<()> {
        let found = fs::symlink_metadata(path)?;
        if (found.uid(), found.gid()) == (uid, gid) {
            return Ok(());
        }
        let owner = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        Ok(chownat(CWD, path, owner.0, owner.1, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        missing_is_fine(fs::remove_dir(path))
    }

    fn remove_tree(&self, path: &Path) -> io::Result<()> {
        missing_is_fine(fs::remove_dir_all(path))
    }

    fn usage(&self, path: &Path) -> io::Result<Usage> {
        let found = statvfs(path)?;
        Ok(Usage {
            total: found.f_blocks.saturating_mul(found.f_frsize),
            available: found.f_bavail.saturating_mul(found.f_frsize),
            inodes: found.f_files,
            free_inodes: found.f_ffree,
        })
    }

    fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }
}

fn missing_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
