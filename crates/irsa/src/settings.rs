//! What an operator may set beside the variables.

use std::time::Duration;

use s3_credential_core::{RoleHop, SessionSettings};

/// Settings of the source `irsa`. The default asks STS for the role and nothing more.
///
/// With a duration, a policy, policy ARNs or a second hop the exchange cannot be left to Mountpoint: the keys are then delivered by
/// profile or endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IrsaSettings {
    /// What to ask STS for beyond the role. Its name goes before `AWS_ROLE_SESSION_NAME`.
    pub session: SessionSettings,
    /// A second role, assumed with the keys of the first.
    pub second_hop: Option<RoleHop>,
    /// How often the token file is looked at while somebody wants to know of its changes; 10 seconds, at least 100 milliseconds.
    pub poll: Duration,
}

impl Default for IrsaSettings {
    fn default() -> Self {
        Self {
            session: SessionSettings::default(),
            second_hop: None,
            poll: Duration::from_secs(10),
        }
    }
}
