//! The one place that assumes a role: a web identity becomes temporary keys.
//!
//! **In:** a [`WebIdentity`](s3_credential_core::WebIdentity) (token, role, settings of the
//! session, perhaps a second role) and an [`ExchangeRequest`](s3_credential_core::ExchangeRequest)
//! (region, a policy that narrows, a duration). **Out:** the [`Keys`](s3_credential_core::Keys)
//! that STS gives, with their expiry. **Fails** with a [`Failure`](s3_credential_core::Failure)
//! that says whether the token, the role, the policy, the region, the network or STS itself is the
//! reason. A transient failure is retried a few times within a budget of 2 seconds, a permanent one
//! is returned at once. No text of an answer becomes part of an error or a log: a broken answer may
//! hold the keys.
//!
//! Only [`StsSettings`] are read: no process environment, no shared configuration files, and of the
//! file system only the CA bundle that is named there (or the system's). No keys are cached: that
//! is the caller's task. Only the rate limit of STS is remembered, so that all callers of one
//! [`Sts`] wait their turn.
//!
//! ```
//! use std::sync::Arc;
//!
//! use s3_credential_core::{Environment, SystemClock};
//! use s3_credential_sts::{Sts, StsSettings};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), s3_credential_core::Failure> {
//! let environment: Environment = [("AWS_USE_FIPS_ENDPOINT", "true")].into_iter().collect();
//! let sts = Sts::new(StsSettings::from_environment(&environment), Arc::new(SystemClock));
//! let region = "us-west-2".parse()?;
//! assert_eq!(sts.endpoint_url(Some(&region)).await?, "https://sts-fips.us-west-2.amazonaws.com");
//! # Ok(())
//! # }
//! ```

// In the order in which data flows.
mod settings;

mod ask;
mod endpoint;

mod call;
mod http;
mod error_document;
mod refusal;
mod other_stores;
mod rate_limiter;
mod retry;

mod probe;

mod sts;

#[cfg(fuzzing)]
pub mod fuzzing;

pub use probe::Reached;
pub use settings::StsSettings;
pub use sts::Sts;
