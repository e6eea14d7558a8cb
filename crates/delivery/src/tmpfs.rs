//! Whether a path is in memory, so that what is written there never reaches a disk.

use std::path::Path;

use rustix::fs::statfs;

/// `TMPFS_MAGIC` and `RAMFS_MAGIC` of `<linux/magic.h>`.
const IN_MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];

/// Whether a path is on a tmpfs or a ramfs. What cannot be found out counts as a disk.
pub fn is_in_memory(path: &Path) -> bool {
    statfs(path)
        .is_ok_and(|found| u64::try_from(found.f_type).is_ok_and(|kind| IN_MEMORY.contains(&kind)))
}
