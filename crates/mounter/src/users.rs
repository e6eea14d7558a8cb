//! A user and a group for each mount, which no other mount of the node has.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
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

/// The reservations of all mounters of a node: one file each in the directory that they share, named by the user.
#[derive(Debug)]
pub(crate) struct Users {
    directory: PathBuf,
    range: UserRange,
    /// What this process reserved, and where the next search begins.
    state: Mutex<(HashMap<String, u32>, u32)>,
}

impl Users {
    pub(crate) fn open(directory: &Path, range: UserRange) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let mut known = HashMap::new();
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            let uid = path.file_name().and_then(|name| name.to_str()?.parse().ok());
            if let (Some(uid), Ok(id)) = (uid, fs::read_to_string(&path)) {
                known.insert(id, uid);
            }
        }
        Ok(Self { directory: directory.to_owned(), range, state: Mutex::new((known, range.first)) })
    }

    /// Returns the user of a mount. The same mount again has the same.
    pub(crate) fn reserve(&self, id: &str) -> io::Result<u32> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, next) = &mut *state;
        if let Some(uid) = known.get(id) {
            return Ok(*uid);
        }
        let count = u64::from(self.range.last - self.range.first) + 1;
        for _ in 0..count {
            let uid = *next;
            *next = if uid == self.range.last { self.range.first } else { uid + 1 };
            match fs::File::create_new(self.directory.join(uid.to_string())) {
                Ok(mut file) => {
                    file.write_all(id.as_bytes())?;
                    known.insert(id.to_owned(), uid);
                    return Ok(uid);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::new(io::ErrorKind::StorageFull, "every user of --uid-range is taken"))
    }

    /// Releases a mount's user, whichever mounter reserved it.
    pub(crate) fn release(&self, id: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(uid) = state.0.remove(id) {
            let path = self.directory.join(uid.to_string());
            if fs::read_to_string(&path).is_ok_and(|found| found == id) {
                let _ = fs::remove_file(path);
            }
        }
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
        old.release("a");
        assert_eq!(new.reserve("d").unwrap(), 70_000);
        for bad in ["", "1", "2-1", "a-b", "1-4294967295"] {
            assert!(bad.parse::<UserRange>().is_err(), "{bad}");
        }
    }
}
