//! The driver's own AWS profile as a credential source.
//!
//! **In:** the driver's `AWS_PROFILE`, `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE`. A file
//! that no variable names is looked for in `$HOME/.aws`, as the SDKs do. **Out:** the form
//! `profile`: of both files the chosen profile only. It is delivered as copies in the volume's
//! directory and followed when the files change. **Fails:** without any of the three variables
//! (`/dev/null` counts as unset) it does not apply. With one of them a profile is configured: a
//! file that cannot be read, a profile that is missing, incomplete, or that refers to something
//! else, is an error, and the chain stops.
//!
//! Only keys are supported. A profile that names a role, a process, a token file or a single
//! sign-on is refused: what it refers to is not at hand where Mountpoint runs, and would be another
//! identity.
//!
//! ```
//! use s3_credential_core::{Environment, SourceChain};
//! use s3_credential_profile::ProfileSource;
//!
//! let environment: Environment =
//!     [("AWS_SHARED_CREDENTIALS_FILE", "/etc/s3/credentials"), ("AWS_PROFILE", "backup")]
//!         .into_iter()
//!         .collect();
//! let chain = SourceChain::first_try(ProfileSource::new(&environment));
//! assert_eq!(chain.names().collect::<Vec<_>>(), ["profile"]);
//! ```

// In the order in which a call goes.
mod location;
mod section;

mod source;

pub use source::ProfileSource;
