//! Small files that others replace while we read them: projected tokens, mounted Secrets, profiles.
//!
//! **In:** paths. **Out:** their text as a [`Secret`](s3_credential_core::Secret), from [`read`]
//! and [`read_directory`], and a subscription to their changes, from [`Follower`]. **Fails** with a
//! [`FileError`], which says what is wrong with the file and which
//! [`ErrorKind`](s3_credential_core::ErrorKind) that is; never with what is in it.
//!
//! This crate never writes. It is what several sources share, since no source may depend on
//! another, and it is not in core, which touches no file.
//!
//! ```
//! use s3_credential_core::ErrorKind;
//! use s3_credential_files::read;
//!
//! let error = read("no/such/token", 20_000).unwrap_err();
//! let failure = error.failure(ErrorKind::MalformedToken, "the token file");
//! assert_eq!(failure.kind(), ErrorKind::Misconfigured);
//! assert_eq!(failure.message(), "the token file does not exist");
//! ```

mod error;
mod file;

mod directory;
mod stamp;

mod follow;

pub use directory::read_directory;
pub use error::{DirectoryError, FileError};
pub use file::read;
pub use follow::Follower;
