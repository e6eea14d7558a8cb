//! What to ask STS for, beyond the role.

use std::collections::BTreeMap;

use s3_credential_core::{RoleArn, RoleHop, SessionSettings};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::document::Period;
use crate::registry::formats::{PolicyArnText, RoleArnText, SessionName, SessionPolicy};

/// What to ask STS for, beyond the role. With a duration, a policy or policy ARNs Mountpoint cannot do the exchange itself: keys are then
/// delivered by `profile` or `endpoint`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct SessionSection {
    /// The role session's name; one is made up where unset.
    #[schemars(with = "Option<SessionName>")]
    name: Option<String>,
    /// How long the session lasts: 15 minutes to 12 hours, and no longer than the role allows.
    #[schemars(extend("x-shortest" = "15m", "x-longest" = "12h"))]
    duration: Option<Period>,
    /// An inline session policy, as JSON.
    #[schemars(with = "Option<SessionPolicy>", length(max = 2048))]
    policy: Option<String>,
    /// The ARNs of managed session policies.
    #[schemars(with = "Vec<PolicyArnText>", length(max = 10))]
    policy_arns: Vec<String>,
    /// Which STS endpoints are used.
    regional_endpoints: Option<RegionalEndpoints>,
}

/// Which STS endpoints are used.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum RegionalEndpoints {
    /// That of the region.
    Regional,
    /// The global one for the oldest regions.
    Legacy,
}

/// A second role, assumed with the keys of the first.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SecondHopSection {
    /// The role.
    #[schemars(with = "RoleArnText")]
    role_arn: RoleArn,
    /// What the role's trust policy wants to hear.
    #[schemars(length(min = 2, max = 1224))]
    external_id: Option<String>,
    /// The role session's name.
    #[schemars(with = "Option<SessionName>")]
    session_name: Option<String>,
    /// How long the session lasts: 15 minutes to 1 hour.
    #[schemars(extend("x-shortest" = "15m", "x-longest" = "1h"))]
    duration: Option<Period>,
    /// Session tags.
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

impl From<SessionSection> for SessionSettings {
    fn from(section: SessionSection) -> Self {
        Self {
            name: section.name,
            duration: section.duration.map(Into::into),
            policy: section.policy,
            policy_arns: section.policy_arns,
            regional_endpoints: section.regional_endpoints.map(|endpoints| {
                match endpoints {
                    RegionalEndpoints::Regional => "regional",
                    RegionalEndpoints::Legacy => "legacy",
                }
                .to_owned()
            }),
        }
    }
}

impl From<SecondHopSection> for RoleHop {
    fn from(section: SecondHopSection) -> Self {
        Self {
            role_arn: section.role_arn,
            external_id: section.external_id,
            session_name: section.session_name,
            duration: section.duration.map(Into::into),
            tags: section.tags.into_iter().collect(),
        }
    }
}
