//! The services that hand out keys, and how patiently they are asked. Where they are is told by the driver's environment, which Mountpoint
//! gets as well.

#[cfg(feature = "imds")]
mod imds;
#[cfg(feature = "pod-identity")]
mod pod_identity_agent;
#[cfg(feature = "sts")]
mod sts;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plugins::ServiceSettings;

/// How the services are asked that hand out keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ServicesSection {
    /// AWS STS.
    #[cfg(feature = "sts")]
    pub(crate) sts: sts::StsSection,
    /// The instance metadata service: for the source, the region resolver and the exchange alike.
    #[cfg(feature = "imds")]
    pub(crate) imds: imds::ImdsSection,
    /// The EKS Pod Identity agent.
    #[cfg(feature = "pod-identity")]
    pub(crate) pod_identity_agent: pod_identity_agent::AgentSection,
}

impl From<ServicesSection> for ServiceSettings {
    #[allow(unused_variables, reason = "without the services there are no sections")]
    fn from(section: ServicesSection) -> Self {
        Self {
            #[cfg(feature = "sts")]
            sts: section.sts.into(),
            #[cfg(feature = "imds")]
            imds: section.imds.into(),
            #[cfg(feature = "pod-identity")]
            pod_identity_agent: section.pod_identity_agent.into(),
        }
    }
}
