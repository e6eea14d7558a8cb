//! Credential source `pod-token`: the pod's service-account token as a web identity, with the role
//! that belongs to the pod.
//!
//! **In:** the service-account tokens of the publish request (or, where that is configured, one of
//! our own asking by TokenRequest), and a role: what the driver has looked up
//! ([`MountTarget::role_arn`](s3_credential_core::MountTarget)), mapping rules, or the annotation
//! `eks.amazonaws.com/role-arn` of the ServiceAccount, in an order that is configured. **Out:** a
//! [`WebIdentity`](s3_credential_core::WebIdentity) whose token is checked as far as it can be
//! without its key: expiry, audience, service account. **Fails** where there is a role and no good
//! token, and where the Kubernetes API does not answer; a service account without a role is "not
//! applicable", so that EKS Pod Identity can be asked.
//!
//! # What is remembered
//! The annotations of the accounts in use, so that not every republish costs a GET:
//! - A pod that was not served before is answered from a read of that moment: a new pod gets the
//!   role that its account has now.
//! - A pod that was served before is answered from what was read within the last minute (the
//!   kubelet's own period for Secrets that it does not watch), and from then on its account is
//!   watched, that one alone, where RBAC grants `watch` on `serviceaccounts`. A change is then
//!   known at once and reported by [`changes`](s3_credential_core::CredentialSource::changes).
//!   Where it is not granted, the minute stays.
//! - While the API is away, a pod that was served before goes on with what was read within the last
//!   ten minutes. What the API refuses counts at once.
//! - Callers of one moment share one read. What no pod has used for ten minutes is forgotten, and
//!   its watch ends.
//!
//! ```
//! use std::sync::Arc;
//!
//! use s3_credential_core::{SourceChain, SystemClock};
//! use s3_credential_pod_token::{PodTokenSettings, PodTokenSource, RoleMapping, RoleRule};
//!
//! let mapping = RoleMapping::new([RoleRule {
//!     namespace: "team-*".to_owned(),
//!     service_account: "photos".to_owned(),
//!     role_arn: "arn:aws:iam::111122223333:role/photos".to_owned(),
//! }])?;
//! let settings = PodTokenSettings { mapping, ..PodTokenSettings::default() };
//! let chain = SourceChain::first_try(PodTokenSource::new(settings, Arc::new(SystemClock), None));
//! assert_eq!(chain.names().collect::<Vec<_>>(), ["pod-token"]);
//! # Ok::<(), s3_credential_core::Failure>(())
//! ```

// In the order in which data flows.
mod mapping;
mod settings;

mod annotations;
mod api;

mod memory;
mod watch;

mod accounts;
mod token_requests;

mod source;

#[cfg(fuzzing)]
pub mod fuzzing;

pub use mapping::{RoleMapping, RoleRule};
pub use settings::{PodTokenSettings, RoleOrigin};
pub use source::PodTokenSource;
