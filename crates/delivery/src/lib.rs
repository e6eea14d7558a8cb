//! The one place that writes and removes credential files, and what the driver remembers of them.
//!
//! **In:** the files of a [`DeliveryPlan`](s3_credential_core::DeliveryPlan), and a directory that
//! already exists: the write path. **Out:** one directory for each (pod, volume) beneath it,
//! written whole or not at all ([`WritePath`]). Only its owner and the write path's group can read
//! it, and it is removed without a trace. Records and locks are in another directory, which no
//! tenant reaches ([`StatePath`]). **Fails** with a [`Failure`](s3_credential_core::Failure) that
//! names the path and never the content, most often of the kind `file-system` or `no-space`; the
//! previous files stay in place.
//!
//! Everything is synchronous and meant to be called inline: on the tmpfs where such files live, a
//! call takes microseconds. No call follows a symbolic link, opens a foreign file, or waits.
//!
//! ```
//! use s3_credential_core::{PlannedFile, Secret, file_names};
//! use s3_credential_delivery::{Existing, FileOptions, WritePath, directory_name};
//!
//! let folder = tempfile::tempdir()?;
//! let write_path = WritePath::open(folder.path())?;
//! let directory = directory_name(Some("4a5d"), "s3-volume");
//! let content = Secret::new("eyJhbGciOi");
//! let token = PlannedFile { name: file_names::TOKEN, content, age: None };
//!
//! let options = FileOptions::default();
//! let written = write_path.apply(&directory, &[token], &options, Existing::Replace)?;
//! assert_eq!(std::fs::read_to_string(&written.files[0].path)?, "eyJhbGciOi");
//!
//! write_path.remove(&directory)?;
//! assert_eq!(std::fs::read_dir(folder.path())?.count(), 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// In the order in which data flows.
mod failure;
mod name;
mod options;

mod access;
mod directory;
mod temporary;
mod stamp;

mod write_path;
mod volume;
mod unchanged;
mod apply;
mod removal;

mod record;
mod lock;
mod state_path;
mod steps;
mod tmpfs;

mod examination;

#[cfg(feature = "endpoint")]
mod endpoint;

pub use apply::{Applied, WrittenFile};
#[cfg(all(fuzzing, feature = "endpoint"))]
pub use endpoint::fuzzing;
#[cfg(feature = "endpoint")]
pub use endpoint::{Endpoint, EndpointSettings, Grants, KeySource, PushedKeys, new_token};
pub use examination::{DirectoryState, has_openat2};
pub use lock::Lock;
pub use name::directory_name;
pub use options::FileOptions;
pub use stamp::{Generation, Stamp};
pub use state_path::{DirectoryLock, StatePath};
#[cfg(feature = "step-kills")]
pub use steps::kill_at;
pub use tmpfs::is_in_memory;
pub use volume::Existing;
pub use write_path::WritePath;

/// The user that files are written as. A driver keeps its state where only this user writes.
pub fn effective_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}
