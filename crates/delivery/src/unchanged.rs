//! The check whether a file of a live volume is already right, so that no write is needed.

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, statat};
use rustix::io;
use rustix::process::geteuid;
use s3_credential_core::PlannedFile;
use zeroize::Zeroizing;

use crate::stamp::Seen;
use crate::volume::Volume;

impl Volume {
    /// This very file, if it is there, ours alone, with the right bytes, owner and mode. Whatever
    /// else is in its place counts as a change, as does any trouble in finding out.
    pub(crate) fn find(&self, file: &PlannedFile) -> Option<Seen> {
        self.compare(file).ok().flatten()
    }

    fn compare(&self, file: &PlannedFile) -> io::Result<Option<Seen>> {
        let directory = &self.directory.handle;
        // Looked at before it is opened: to open a device or a FIFO can have effects.
        if !self.is_as_written(&statat(directory, file.name, AtFlags::SYMLINK_NOFOLLOW)?, file) {
            return Ok(None);
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let handle = openat(directory, file.name, flags, Mode::empty())?;
        // Before it is read: what changes meanwhile is seen later.
        let stat = fstat(&handle)?;
        if !self.is_as_written(&stat, file) {
            return Ok(None);
        }
        let wanted = file.content.expose().as_bytes();
        let mut found = Zeroizing::new(vec![0; wanted.len() + 1]);
        let mut filled = 0;
        while filled < found.len() {
            match io::read(&handle, &mut found[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        Ok((&found[..filled] == wanted).then(|| Seen::from(&stat)))
    }

    fn is_as_written(&self, stat: &Stat, file: &PlannedFile) -> bool {
        let bits = stat.st_mode & 0o7777;
        FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
            && stat.st_nlink == 1
            && bits == self.files.mode
            && stat.st_uid == self.files.uid.unwrap_or_else(|| geteuid().as_raw())
            && self.files.gid.is_none_or(|gid| gid == stat.st_gid)
            && u64::try_from(stat.st_size).is_ok_and(|size| size == file.content.len() as u64)
    }
}
