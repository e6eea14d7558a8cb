//! EKS Pod Identity: the address of the agent and a token for it, as a credential source at driver
//! and pod level; and their exchange for keys.
//!
//! **In:** at driver level the driver's `AWS_CONTAINER_CREDENTIALS_FULL_URI` and
//! `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`, which EKS injects into pods (or their siblings
//! `..._RELATIVE_URI` and `..._TOKEN`); at pod level the pod's token for the audience
//! `pods.eks.amazonaws.com` and the agent's address, from [`PodIdentitySettings::agent_uri`] or
//! `EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI`. **Out:** [`PodIdentitySource`] yields
//! the form `container`, for Mountpoint to ask the agent itself; [`AgentExchange`] asks it for
//! keys. **Fails:** with neither address nor token it does not apply; with half of them, with an
//! address to which no token may be sent, or with a token that is expired or someone else's, it is
//! broken. A refusal by the agent is reported by its reason: the token, the association, the role.
//!
//! ```
//! use std::sync::Arc;
//! use s3_credential_core::{Environment, SourceChain, SystemClock};
//! use s3_credential_pod_identity::{
//!     AgentExchange, AgentSettings, PodIdentitySettings, PodIdentitySource,
//! };
//!
//! let agent = "http://169.254.170.23/v1/credentials";
//! let environment: Environment =
//!     [("EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI", agent)].into_iter().collect();
//! let settings = PodIdentitySettings::default();
//! let source = PodIdentitySource::new(environment.clone(), settings, Arc::new(SystemClock));
//! let exchange = AgentExchange::new(environment, AgentSettings::default());
//! assert_eq!(SourceChain::first_try(source).names().collect::<Vec<_>>(), ["pod-identity"]);
//! ```

mod settings;

// The source.
mod address;
mod driver;
mod pod;
mod source;

// The exchange.
mod keys;
mod refusal;
mod tls;
mod wire;

mod exchange;
mod probe;

#[cfg(fuzzing)]
pub mod fuzzing;

pub use exchange::AgentExchange;
pub use settings::{AgentSettings, PodIdentitySettings};
pub use source::PodIdentitySource;
