//! Errors of reading files.

use std::fmt;
use std::io;

use rustix::io::Errno;
use s3_credential_core::{ErrorKind, Failure};

/// The reason why a file could not be read. `Display` completes a sentence that begins with the
/// file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileError {
    /// There is no file at this path.
    Missing,
    /// It is a directory, a FIFO, a device or a socket.
    NotRegular,
    /// It holds more bytes than this.
    TooLarge(usize),
    /// It holds bytes that are not UTF-8.
    NotText,
    /// It was replaced each time it was read.
    Changing,
    /// The system refuses.
    Refused(Errno),
}

impl FileError {
    /// The failure of a file that the driver's set-up names as `what`; `content` is the kind for
    /// what it holds.
    pub fn failure(self, content: ErrorKind, what: &str) -> Failure {
        let kind = match self {
            Self::Missing | Self::NotRegular => ErrorKind::Misconfigured,
            Self::TooLarge(_) | Self::NotText => content,
            Self::Changing => ErrorKind::Unavailable,
            Self::Refused(errno) if passes(errno) => ErrorKind::Unavailable,
            Self::Refused(_) => ErrorKind::FileSystem,
        };
        Failure::new(kind, format!("{what} {self}"))
    }
}

/// The process, or the machine, is short of something for now.
fn passes(errno: Errno) -> bool {
    [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::AGAIN, Errno::INTR].contains(&errno)
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("does not exist"),
            Self::NotRegular => f.write_str("is not a regular file"),
            Self::TooLarge(limit) => write!(f, "is larger than {limit} bytes"),
            Self::NotText => f.write_str("holds bytes that are not UTF-8"),
            Self::Changing => f.write_str("is being replaced again and again"),
            Self::Refused(errno) => write!(f, "cannot be read: {}", io::Error::from(*errno).kind()),
        }
    }
}

impl std::error::Error for FileError {}

/// The reason why a directory could not be read, with the file at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectoryError<'a> {
    /// The file's name; none if it is about the directory itself.
    pub file: Option<&'a str>,
    /// The error of the file.
    pub error: FileError,
}

impl From<FileError> for DirectoryError<'_> {
    fn from(error: FileError) -> Self {
        Self { file: None, error }
    }
}

impl From<Errno> for FileError {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::NOENT | Errno::NOTDIR => Self::Missing,
            // What opening a socket answers.
            Errno::NXIO => Self::NotRegular,
            errno => Self::Refused(errno),
        }
    }
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        Errno::from_io_error(&error).unwrap_or(Errno::IO).into()
    }
}
