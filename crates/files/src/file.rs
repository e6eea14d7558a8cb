//! One file, whole.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, openat};
use s3_credential_core::Secret;
use zeroize::{Zeroize, Zeroizing};

use crate::error::FileError;

/// The text of a regular file of at most `limit` bytes; links are followed, as the kubelet's
/// volumes consist of them.
///
/// Only a regular file is read, and none makes it wait: a FIFO is refused, not
/// listened to.
pub fn read(path: impl AsRef<Path>, limit: usize) -> Result<Secret, FileError> {
    read_at(CWD, path.as_ref(), limit)
}

/// The same for a path that begins at a directory.
pub(crate) fn read_at(
    directory: impl AsFd,
    path: &Path,
    limit: usize,
) -> Result<Secret, FileError> {
    let file = File::from(open_at(directory, path, OFlags::empty())?);
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(FileError::NotRegular);
    }
    let expected = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    // One byte more than the limit shows that it is exceeded; and room for all, lest a growing
    // buffer leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(expected.min(limit).saturating_add(1)));
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Err(FileError::TooLarge(limit));
    }
    let text = String::from_utf8(std::mem::take(&mut *bytes)).map_err(|error| {
        error.into_bytes().zeroize();
        FileError::NotText
    })?;
    Ok(Secret::new(text))
}

/// Opens for reading without waiting for a writer, and without becoming anybody's terminal.
pub(crate) fn open_at(
    directory: impl AsFd,
    path: &Path,
    flags: OFlags,
) -> Result<OwnedFd, FileError> {
    let flags = flags | OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(openat(directory, path, flags, Mode::empty())?)
}
