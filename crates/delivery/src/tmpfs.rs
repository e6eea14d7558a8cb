//! The check whether a path is in memory, so that its files never reach a disk.

use std::path::Path;

use rustix::fs::statfs;

/// `TMPFS_MAGIC` and `RAMFS_MAGIC` of `<linux/magic.h>`.
const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];

/// Returns whether a path is on a tmpfs or a ramfs. An unknown file system counts as a disk.
pub fn is_in_memory(path: &Path) -> bool {
    statfs(path)
        .is_ok_and(|found| u64::try_from(found.f_type).is_ok_and(|kind| IN_MEMORY.contains(&kind)))
}
