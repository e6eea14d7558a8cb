//! Errors of the system, each with the path and what to do.

use std::fmt;
use std::path::Path;

use rustix::io::Errno;
use s3_credential_core::{ErrorKind, Failure};

/// The most failures of one call that are reported; a hostile tenant decides how many there are.
const MAX_REPORTED: usize = 8;

/// A path in a message: in quotes, and with its control characters escaped, so that a planted name
/// with a newline stays on its line.
pub(crate) struct Quoted<'a>(pub(crate) &'a Path);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, f)
    }
}

/// `action` is what could not be done, without its object: "cannot create".
pub(crate) fn refused(action: &str, path: &Path, errno: Errno) -> Failure {
    let kind = match errno {
        Errno::NOSPC | Errno::DQUOT => ErrorKind::NoSpace,
        Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::INTR | Errno::AGAIN => {
            ErrorKind::OutOfResources
        }
        _ => ErrorKind::FileSystem,
    };
    let failure = Failure::new(kind, format!("{action} {}: {errno}", Quoted(path)));
    match errno {
        Errno::NOSPC | Errno::DQUOT => failure.with_help("make room on this file system"),
        Errno::NOENT => failure.with_help("create the directory that it is to be in"),
        Errno::ROFS => failure.with_help("mount this file system with write access"),
        Errno::ACCESS | Errno::PERM => failure.with_help(
            "run the driver as a user who may do this, or correct the owner and mode of this path",
        ),
        Errno::XDEV | Errno::BUSY => failure.with_help("unmount what is mounted there"),
        _ => failure,
    }
}

/// The failures of a call that goes on past each. It takes a bounded amount of memory.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    reported: Vec<Failure>,
    more: usize,
}

impl Failures {
    pub(crate) fn push(&mut self, failure: Failure) {
        if self.reported.len() < MAX_REPORTED {
            self.reported.push(failure);
        } else {
            self.more += 1;
        }
    }

    /// Returns one failure for all, on one line; `Ok` if there was none. Kind and help are those of
    /// the first permanent failure, otherwise of the first.
    pub(crate) fn into_result(self) -> Result<(), Failure> {
        let lasting = self.reported.iter().find(|failure| !failure.is_retryable());
        let Some(first) = lasting.or(self.reported.first()) else { return Ok(()) };
        let mut message = self.reported.iter().map(Failure::message).collect::<Vec<_>>().join("; ");
        if self.more > 0 {
            message = format!("{message}; and {} more", self.more);
        }
        Err(Failure::new(first.kind(), message).with_help(first.help().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_system_is_distinguished_from_one_that_refuses() {
        let kind = |errno| refused("cannot write", Path::new("/run/x"), errno).kind();
        assert_eq!(kind(Errno::NOSPC), ErrorKind::NoSpace);
        assert_eq!(kind(Errno::DQUOT), ErrorKind::NoSpace);
        for errno in [Errno::ROFS, Errno::ACCESS, Errno::PERM, Errno::LOOP, Errno::FBIG, Errno::IO]
        {
            assert_eq!(kind(errno), ErrorKind::FileSystem, "{errno}");
        }
    }

    #[test]
    fn a_lack_that_passes_is_retryable() {
        let retryable = |errno| refused("cannot open", Path::new("/run/x"), errno).is_retryable();
        assert!(retryable(Errno::NOSPC) && retryable(Errno::MFILE));
        assert!(!retryable(Errno::ROFS));
    }
}
