//! A file that is written under a name of its own, to be renamed when every byte is there.

use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::{self, Errno, retry_on_intr};

use crate::name;
use crate::steps::{openat, unlinkat};

/// Creates a new file: an existing entry is neither followed nor opened.
const NEW_FILE: OFlags = OFlags::RDWR
    .union(OFlags::CREATE)
    .union(OFlags::EXCL)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Writes a file, after `prepare` has set its owner and mode while it was empty and private.
/// Returns its temporary name, and the open file. On failure there is no file.
pub(crate) fn write(
    directory: &OwnedFd,
    name: &str,
    content: &[u8],
    initial_mode: Mode,
    prepare: impl FnOnce(&OwnedFd) -> io::Result<()>,
) -> io::Result<(String, OwnedFd)> {
    let (temporary, file) = create(directory, name, initial_mode)?;
    let written = prepare(&file).and_then(|()| write_all(&file, 0, content));
    match written {
        Ok(()) => Ok((temporary, file)),
        Err(errno) => {
            discard(directory, &temporary);
            Err(errno)
        }
    }
}

/// Removes a temporary file after a failure; only that failure is reported.
pub(crate) fn discard(directory: &OwnedFd, temporary: &str) {
    let _ = unlinkat(directory, temporary, AtFlags::empty());
}

fn create(directory: &OwnedFd, name: &str, mode: Mode) -> io::Result<(String, OwnedFd)> {
    loop {
        let temporary = name::temporary_for(name);
        match openat(directory, &temporary, NEW_FILE, mode) {
            // The name cannot be guessed, so this is chance, and does not happen twice.
            Err(Errno::EXIST) => {}
            opened => return opened.map(|file| (temporary, file)),
        }
    }
}

/// Writes everything at this place of a file.
pub(crate) fn write_all(file: &OwnedFd, mut at: u64, mut rest: &[u8]) -> io::Result<()> {
    while !rest.is_empty() {
        match retry_on_intr(|| io::pwrite(file, rest, at))? {
            0 => return Err(Errno::IO),
            written => {
                at += written as u64;
                rest = &rest[written..];
            }
        }
    }
    Ok(())
}
