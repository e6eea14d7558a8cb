//! The instance metadata service, version 2: the node's instance profile as a credential source,
//! its keys, and the region.
//!
//! **In:** the driver's [`Environment`](s3_credential_core::Environment)
//! (`AWS_EC2_METADATA_DISABLED`, `AWS_EC2_METADATA_SERVICE_ENDPOINT`,
//! `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE`) and [`ImdsSettings`], from which one [`Imds`] handle
//! is made for all. **Out:** [`ImdsSource`] yields the form `instance-profile` where a role is
//! attached, [`ImdsExchange`] the keys of that role, [`ImdsRegion`] the region. **Fails:** an IMDS
//! that refuses, is switched off, or stays silent for a second does not apply, with a reason that
//! distinguishes the hop limit from a missing role. One that answers with a fault of its own is a
//! retryable failure.
//!
//! The client is aws-config's: it speaks version 2 only, and keeps its session token. Everything
//! that it would take from the process environment is given to it, but for `AWS_EXECUTION_ENV`,
//! which it copies into its `User-Agent`.
//!
//! ```
//! use std::sync::Arc;
//! use s3_credential_core::{Environment, SourceChain, SystemClock};
//! use s3_credential_imds::{Imds, ImdsRegion, ImdsSettings, ImdsSource};
//!
//! let environment: Environment =
//!     [("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6")].into_iter().collect();
//! let imds = Imds::new(&environment, ImdsSettings::default(), Arc::new(SystemClock));
//! let chain = SourceChain::first_try(ImdsSource::new(imds.clone()));
//! let region = ImdsRegion::new(imds);
//! assert_eq!(chain.names().collect::<Vec<_>>(), ["imds"]);
//! ```

// In the order in which a look-up goes.
mod settings;

mod endpoint;
mod wire;

mod trouble;

mod client;

mod source;

mod exchange;
mod keys;
mod stability;

mod region;

mod examination;

#[cfg(fuzzing)]
pub mod fuzzing;

pub use client::Imds;
pub use examination::Examination;
pub use exchange::ImdsExchange;
pub use region::ImdsRegion;
pub use settings::ImdsSettings;
pub use source::ImdsSource;
