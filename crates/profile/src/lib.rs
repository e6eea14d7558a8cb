//! The driver's own AWS profile files as a credential source, for systemd mounts.
//!
//! **In:** the driver's `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE`, and its `AWS_PROFILE` where set. **Out:** the form
//! `profile`: the text of both files, which is delivered as copies in the volume's directory and followed when the files change.
//! **Fails:** without both variables, and where Mountpoint runs in a pod of its own, it does not apply; a file that is named and cannot
//! be read is broken.
//!
//! What the files refer to (a `credential_process`, a token file) must be there for Mountpoint as well: only the files are copied.
//!
//! ```
//! use s3_credential_core::{Environment, SourceChain};
//! use s3_credential_profile::ProfileSource;
//!
//! let environment: Environment =
//!     [("AWS_CONFIG_FILE", "/etc/s3/config"), ("AWS_SHARED_CREDENTIALS_FILE", "/etc/s3/credentials")].into_iter().collect();
//! let chain = SourceChain::first_try(ProfileSource::new(&environment));
//! assert_eq!(chain.names().collect::<Vec<_>>(), ["profile"]);
//! ```

mod source;

pub use source::ProfileSource;
