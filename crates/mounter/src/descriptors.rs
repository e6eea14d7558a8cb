//! The descriptors that this process was started with.

use std::fs;
use std::io;
use std::os::fd::RawFd;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

/// The first descriptor after the standard ones.
const FIRST: RawFd = 3;

/// Keeps inherited descriptors from the processes of mounts. All others of this process are kept
/// from them as they are opened.
pub(crate) fn keep_from_children() -> io::Result<()> {
    let names = fs::read_dir("/proc/self/fd")?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    for descriptor in names.filter_map(|name| name.parse::<RawFd>().ok()) {
        if descriptor >= FIRST {
            // The one that listed the directory is closed by now.
            let _ = fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC));
        }
    }
    Ok(())
}
