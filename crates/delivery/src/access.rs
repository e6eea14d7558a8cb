//! The owner and mode of the files and directories of this crate.

use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Gid, Mode, Stat, Uid, fchmod, fchown};
use rustix::io::{self, Errno};
use s3_credential_core::Failure;

const SETGID: u32 = 0o2000;
const BITS: u32 = 0o7777;

/// The owner and mode that something is to have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Access {
    /// `None`: any owner.
    pub(crate) uid: Option<u32>,
    /// `None`: any group, since the mode gives no rights to a group.
    pub(crate) gid: Option<u32>,
    pub(crate) mode: u32,
    /// The mode at its creation: narrower, as long as the owner is another one.
    pub(crate) initial_mode: u32,
}

impl Access {
    /// Sets what is different, without giving access to anyone else at any moment. A directory
    /// keeps its setgid bit.
    pub(crate) fn give(self, handle: &OwnedFd, stat: &Stat) -> io::Result<()> {
        let kept = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => stat.st_mode & SETGID,
            _ => 0,
        };
        let wanted = self.mode | kept;
        let mut current = stat.st_mode & BITS;
        let set_mode = |mode| fchmod(handle, Mode::from_raw_mode(mode));
        let differs = |wanted: Option<u32>, is| wanted.is_some_and(|wanted| wanted != is);
        if differs(self.uid, stat.st_uid) || differs(self.gid, stat.st_gid) {
            // Narrowed first, but not so far that a live mount is shut out, should the rest fail.
            if current & !wanted != 0 {
                set_mode(current & wanted)?;
            }
            fchown(handle, self.uid.map(Uid::from_raw), self.gid.map(Gid::from_raw))?;
            // The kernel may have taken bits away.
            current = 0;
        }
        if current == wanted { Ok(()) } else { set_mode(wanted) }
    }
}

/// Adds what to do about an owner that cannot be set.
pub(crate) fn explain(failure: Failure, errno: Errno) -> Failure {
    if errno != Errno::PERM {
        return failure;
    }
    failure.with_help(
        "give the driver CAP_CHOWN, or make it a member of the write path's group, or have the files readable by their owner only",
    )
}
