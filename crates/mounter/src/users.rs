//! A user and a group for each mount, which no other mount of the node has.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

/// The users that mounts may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserRange {
    first: u32,
    last: u32,
}

impl FromStr for UserRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('-').and_then(|(first, last)| {
            Some(Self { first: first.trim().parse().ok()?, last: last.trim().parse().ok()? })
        });
        match parsed {
            Some(range) if range.first <= range.last && range.last < u32::MAX => Ok(range),
            _ => {
                Err("expected two numbers, the smaller one first, such as 65536-131071".to_owned())
            }
        }
    }
}

/// The reservations of all mounters of a node: one file each in the directory that they share,
/// named by the user, with the mount in it. No mounter remembers them by itself, since another one
/// may release them.
#[derive(Debug)]
pub(crate) struct Users {
    directory: PathBuf,
    range: UserRange,
    /// Where the next search begins.
    next: Mutex<u32>,
}

impl Users {
    pub(crate) fn open(directory: &Path, range: UserRange) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        Ok(Self { directory: directory.to_owned(), range, next: Mutex::new(range.first) })
    }

    /// Returns the user of a mount. The same mount again has the same.
    pub(crate) fn reserve(&self, id: &str) -> io::Result<u32> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((uid, _)) = self.all()?.into_iter().find(|(_, owner)| owner == id) {
            return Ok(uid);
        }
        // A reservation is whole or missing: it is written elsewhere, and a link never replaces a
        // file.
        let draft = self.directory.join(format!(".{id}"));
        fs::write(&draft, id)?;
        let reserved = self.link(&draft, &mut next);
        fs::remove_file(&draft)?;
        reserved
    }

    fn link(&self, draft: &Path, next: &mut u32) -> io::Result<u32> {
        let count = u64::from(self.range.last - self.range.first) + 1;
        for _ in 0..count {
            let uid = *next;
            *next = if uid == self.range.last { self.range.first } else { uid + 1 };
            match fs::hard_link(draft, self.path(uid)) {
                Ok(()) => return Ok(uid),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::new(io::ErrorKind::StorageFull, "every user of --uid-range is taken"))
    }

    /// Releases a mount's user, whichever mounter reserved it.
    pub(crate) fn release(&self, id: &str) -> io::Result<()> {
        let _held = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        for (uid, _) in self.all()?.into_iter().filter(|(_, owner)| owner == id) {
            match fs::remove_file(self.path(uid)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Returns the mounts that have a user.
    pub(crate) fn mounts(&self) -> io::Result<Vec<String>> {
        Ok(self.all()?.into_iter().map(|(_, id)| id).collect())
    }

    fn all(&self) -> io::Result<Vec<(u32, String)>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            let uid = path.file_name().and_then(|name| name.to_str()?.parse().ok());
            // One that goes meanwhile is released.
            if let (Some(uid), Ok(id)) = (uid, fs::read_to_string(&path)) {
                all.push((uid, id));
            }
        }
        Ok(all)
    }

    fn path(&self, uid: u32) -> PathBuf {
        self.directory.join(uid.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_mounts_have_a_user_in_common_across_mounters() {
        let scratch = tempfile::tempdir().unwrap();
        let range: UserRange = "70000-70002".parse().unwrap();
        let old = Users::open(scratch.path(), range).unwrap();
        assert_eq!(old.reserve("a").unwrap(), 70_000);
        let new = Users::open(scratch.path(), range).unwrap();
        assert_eq!(new.reserve("a").unwrap(), 70_000, "the same mount has the same user");
        assert_eq!((new.reserve("b").unwrap(), old.reserve("c").unwrap()), (70_001, 70_002));
        assert!(new.reserve("d").is_err());
        // Whichever mounter is asked: the one that reserved it may be gone.
        new.release("a").unwrap();
        assert_eq!(new.reserve("d").unwrap(), 70_000);
        assert!(old.reserve("a").is_err(), "its user is another mount's now");
        let mut mounts = old.mounts().unwrap();
        mounts.sort_unstable();
        assert_eq!(mounts, ["b", "c", "d"]);
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 3);
        for bad in ["", "1", "2-1", "a-b", "1-4294967295"] {
            assert!(bad.parse::<UserRange>().is_err(), "{bad}");
        }
    }
}
