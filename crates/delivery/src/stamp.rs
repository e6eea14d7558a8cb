//! The metadata that shows whether a directory or file was changed, without opening it.

use std::path::Path;

use rustix::fs::{FileType, Stat, lstat};
use rustix::io;
use s3_credential_core::{Clock as _, SystemClock};

/// Files are stamped with the time of the kernel's last tick, and a change in the tick of the one
/// before it leaves no trace. No tick is as long as this.
const SETTLED_AFTER_NANOS: i128 = 50_000_000;

/// The kernel's metadata of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    device: u64,
    inode: u64,
    mode: u32,
    owner: (u32, u32),
    links: u64,
    size: i64,
    /// Set only by the kernel, at every change of the file.
    changed: i128,
}

impl Seen {
    /// Returns whether a change to come will be seen.
    fn is_settled(&self) -> bool {
        // The machine's time and no other, since it is the kernel that stamps.
        SystemClock.now().as_nanosecond() - self.changed > SETTLED_AFTER_NANOS
    }
}

#[allow(clippy::useless_conversion, reason = "the widths are those of the architecture")]
impl From<&Stat> for Seen {
    fn from(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev.into(),
            inode: stat.st_ino.into(),
            mode: stat.st_mode,
            owner: (stat.st_uid, stat.st_gid),
            links: stat.st_nlink.into(),
            size: stat.st_size.into(),
            changed: nanos(stat.st_ctime, stat.st_ctime_nsec.try_into().unwrap_or(0)),
        }
    }
}

fn nanos(seconds: i64, nanos: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(nanos)
}

/// The metadata of a volume's directory and its files. As long as it stays the same, none of them
/// was written, replaced, moved or removed, and no access rights were changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Stamp {
    directory: Directory,
    files: Vec<Seen>,
}

/// The metadata of a record. As long as it stays the same, the record was not written or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Generation(pub(crate) Seen);

/// The metadata of the directory itself: foreign entries in it may come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Directory {
    device: u64,
    inode: u64,
    mode: u32,
    owner: (u32, u32),
}

impl Stamp {
    /// Reads the stamp of the directory at this path and of these files in it; an error if any is
    /// missing.
    pub fn of<'a>(path: &Path, files: impl IntoIterator<Item = &'a str>) -> io::Result<Self> {
        let directory = lstat(path)?;
        if FileType::from_raw_mode(directory.st_mode) != FileType::Directory {
            return Err(io::Errno::NOTDIR);
        }
        let seen = |name| Ok(Seen::from(&lstat(path.join(name))?));
        let files = files.into_iter().map(seen).collect::<io::Result<_>>()?;
        Ok(Self { directory: (&Seen::from(&directory)).into(), files })
    }

    /// Makes the stamp of files that were just found to be right; `None` if a change to come could
    /// go unseen.
    pub(crate) fn of_verified(directory: &Stat, files: Vec<Seen>) -> Option<Self> {
        let directory = (&Seen::from(directory)).into();
        files.iter().all(Seen::is_settled).then_some(Self { directory, files })
    }
}

impl From<&Seen> for Directory {
    fn from(seen: &Seen) -> Self {
        let Seen { device, inode, mode, owner, .. } = *seen;
        Self { device, inode, mode, owner }
    }
}
