//! Settings of the source `irsa`, beside the variables.

use std::time::Duration;

use s3_credential_core::{RoleHop, SessionSettings};

/// Settings of the source `irsa`. The default asks STS for the role only.
///
/// With a duration, a policy, policy ARNs or a second hop Mountpoint cannot do the exchange: the
/// keys are then delivered by profile or endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize, schemars::JsonSchema),
    serde(rename_all = "camelCase", deny_unknown_fields, default)
)]
pub struct IrsaSettings {
    /// The settings of the STS session. Its name goes before `AWS_ROLE_SESSION_NAME`.
    pub session: SessionSettings,
    /// A second role, assumed with the keys of the first.
    pub second_hop: Option<RoleHop>,
    /// The interval at which the token file is read for a change; at least 100 milliseconds.
    pub poll_interval: Duration,
}

impl Default for IrsaSettings {
    fn default() -> Self {
        Self {
            session: SessionSettings::default(),
            second_hop: None,
            poll_interval: Duration::from_secs(10),
        }
    }
}
