//! Writes the files of a plan into a volume's directory: all of them, or none.

use std::ffi::CStr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::fs::{AtFlags, Dir, Mode, RenameFlags, fstat};
use rustix::io::{self, Errno};
use s3_credential_core::{Failure, PlannedFile};

use crate::access::explain;
use crate::failure::refused;
use crate::removal::{empty, remove};
use crate::stamp::Stamp;
use crate::steps::{renameat, renameat_with, unlinkat};
use crate::temporary;
use crate::volume::{Existing, Volume};

/// A file that is there now: written, or found to be what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenFile {
    /// The path of the file, under the write path.
    pub path: PathBuf,
    /// Its permission bits.
    pub mode: u32,
}

/// The result of applying the files of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applied {
    /// All of them, in the order of the plan.
    pub files: Vec<WrittenFile>,
    /// The stamp of the existing files, where no file had to be written. `None` also where they are
    /// so new that a change would go unseen.
    pub stamp: Option<Stamp>,
}

/// A file that waits under its temporary name.
struct Staged {
    name: &'static str,
    temporary: String,
}

/// The state of the file that was there before.
enum Predecessor {
    /// It has the temporary name now.
    Kept,
    /// There was none.
    None,
    /// It is gone, and cannot come back.
    Lost,
}

impl Volume {
    /// Everything that can fail for want of room or rights comes before the first reader sees a
    /// change.
    pub(crate) fn write(
        &self,
        planned: &[PlannedFile],
        existing: Existing,
    ) -> Result<Applied, Failure> {
        let mut staged = Vec::with_capacity(planned.len());
        let mut there = Vec::new();
        let mut due = Vec::new();
        for file in planned {
            let found = if existing == Existing::Update { self.find(file) } else { None };
            match found {
                Some(seen) => there.push(seen),
                None => due.push(file),
            }
        }
        let written = self
            .stage(&due, &mut staged)
            .and_then(|()| match existing {
                Existing::Replace if !self.is_new => self.clear(&staged),
                _ => Ok(()),
            })
            .and_then(|()| self.commit(&staged));
        if let Err(failure) = written {
            for file in &staged {
                temporary::discard(&self.directory.handle, &file.temporary);
            }
            return Err(failure);
        }
        let applied = |file: &PlannedFile| WrittenFile {
            path: self.directory.path_of(file.name),
            mode: self.files.mode,
        };
        let stamp = due.is_empty().then(|| Stamp::of_verified(&self.stat, there)).flatten();
        Ok(Applied { files: planned.iter().map(applied).collect(), stamp })
    }

    fn stage(&self, due: &[&PlannedFile], staged: &mut Vec<Staged>) -> Result<(), Failure> {
        for file in due {
            let content = file.content.expose().as_bytes();
            let initial_mode = Mode::from_raw_mode(self.files.initial_mode);
            let prepare = |new: &OwnedFd| self.files.give(new, &fstat(new)?);
            let (temporary, _) =
                temporary::write(&self.directory.handle, file.name, content, initial_mode, prepare)
                    .map_err(|errno| explain(self.refused(file.name, errno), errno))?;
            staged.push(Staged { name: file.name, temporary });
        }
        Ok(())
    }

    /// Removes what is neither new nor about to be replaced.
    fn clear(&self, staged: &[Staged]) -> Result<(), Failure> {
        let stays = |name: &CStr| {
            let name = name.to_bytes();
            staged
                .iter()
                .any(|file| name == file.name.as_bytes() || name == file.temporary.as_bytes())
        };
        let mut entries = Dir::read_from(&self.directory.handle)
            .map_err(|errno| refused("cannot list", &self.directory.path, errno))?;
        empty(&self.directory.path, &mut entries, |name| !stays(name)).map(drop)
    }

    /// Gives the files their names. Each predecessor but the last is kept aside, so that a failure
    /// can put it back.
    fn commit(&self, staged: &[Staged]) -> Result<(), Failure> {
        let mut placed = Vec::with_capacity(staged.len());
        for (index, file) in staged.iter().enumerate() {
            let keep = !self.is_new && index + 1 < staged.len();
            match self.place(file, keep) {
                Ok(predecessor) => placed.push((file, predecessor)),
                Err(errno) => {
                    for (file, predecessor) in placed.iter().rev() {
                        self.take_back(file, predecessor);
                    }
                    return Err(self.refused(file.name, errno));
                }
            }
        }
        for (file, predecessor) in placed {
            if matches!(predecessor, Predecessor::Kept) {
                self.forget(file);
            }
        }
        Ok(())
    }

    fn place(&self, file: &Staged, keep: bool) -> io::Result<Predecessor> {
        let directory = &self.directory.handle;
        let rename = || renameat(directory, &file.temporary, directory, file.name);
        if !keep {
            match rename() {
                // A directory was planted under this name: it has to be exchanged.
                Err(Errno::ISDIR) => {}
                renamed => return renamed.map(|()| Predecessor::Lost),
            }
        }
        match renameat_with(directory, &file.temporary, directory, file.name, RenameFlags::EXCHANGE)
        {
            Ok(()) => Ok(Predecessor::Kept),
            Err(Errno::NOENT) => rename().map(|()| Predecessor::None),
            // A file system that cannot exchange, which neither tmpfs nor a local disk is.
            Err(Errno::INVAL | Errno::NOSYS) => rename().map(|()| Predecessor::Lost),
            Err(errno) => Err(errno),
        }
    }

    /// After this, the new file has its temporary name again.
    fn take_back(&self, file: &Staged, predecessor: &Predecessor) {
        let directory = &self.directory.handle;
        // Only the failure that led here is reported.
        let _ = match predecessor {
            Predecessor::Kept => renameat_with(
                directory,
                &file.temporary,
                directory,
                file.name,
                RenameFlags::EXCHANGE,
            ),
            Predecessor::None => renameat(directory, file.name, directory, &file.temporary),
            Predecessor::Lost => Ok(()),
        };
    }

    /// Removes a predecessor. The new files are in place, so what cannot be removed is left to the
    /// sweep and to the cleanup.
    fn forget(&self, file: &Staged) {
        if unlinkat(&self.directory.handle, &file.temporary, AtFlags::empty()) == Err(Errno::ISDIR)
        {
            let _ = remove(&self.directory, &file.temporary);
        }
    }

    fn refused(&self, name: &str, errno: Errno) -> Failure {
        refused("cannot write", &self.directory.path_of(name), errno)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::*;
    use crate::access::Access;
    use crate::directory::Directory;

    const TEMPORARY: [&str; 3] = [".config.new", ".credentials.new", ".token.new"];
    const NAMES: [&str; 3] = ["config", "credentials", "token"];

    fn contents(volume: &Volume) -> BTreeMap<String, String> {
        let read = |name: &String| fs::read_to_string(volume.directory.path_of(name)).unwrap();
        let names = volume.directory.names().unwrap();
        names.into_iter().map(|name| (name.clone(), read(&name))).collect()
    }

    /// No permission can make a rename fail that comes after a successful write, so a file that is
    /// not there does it.
    #[test]
    fn a_failure_in_the_middle_puts_the_old_files_back() {
        for there_before in [&NAMES[..], &NAMES[..1], &NAMES[1..], &[]] {
            for (failing, failing_name) in NAMES.iter().enumerate() {
                let folder = tempfile::tempdir().unwrap();
                let directory = Directory::open(folder.path()).unwrap().unwrap();
                let files = Access { uid: None, gid: None, mode: 0o640, initial_mode: 0o640 };
                let stat = directory.stat().unwrap();
                let volume = Volume { directory, stat, is_new: false, files };
                for name in there_before {
                    fs::write(folder.path().join(name), "old").unwrap();
                }
                for (index, temporary) in
                    TEMPORARY.iter().enumerate().filter(|(index, _)| *index != failing)
                {
                    fs::write(folder.path().join(temporary), format!("new {index}")).unwrap();
                }
                let before = contents(&volume);
                let staged = NAMES.iter().zip(TEMPORARY);
                let staged: Vec<_> = staged
                    .map(|(name, temporary)| Staged { name, temporary: temporary.to_owned() })
                    .collect();
                let failure = volume.commit(&staged).unwrap_err();
                assert!(failure.message().contains(failing_name), "{failure}");
                assert_eq!(contents(&volume), before, "{there_before:?} {failing_name}");
            }
        }
    }
}
