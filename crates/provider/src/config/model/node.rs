//! The section `node`: what an operator sets for the node service s3-csi-node. The provider itself does not read it.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::Period;
use crate::registry::RegionText;

/// The node service s3-csi-node.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct NodeSection {
    /// How long Mountpoint may take to be ready before a publish fails.
    pub(crate) mount_timeout: Period,
    /// The memory in MiB that all mounts of a node share; each gets half of what is left. Unlimited where unset.
    #[schemars(range(min = 512))]
    pub(crate) memory_budget: Option<u64>,
    /// How many volumes the scheduler may place on a node. Unlimited where unset.
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub(crate) max_volumes: Option<u32>,
    /// The node's region for the scheduler. AWS_REGION where unset.
    #[schemars(with = "RegionText")]
    pub(crate) region: Option<String>,
    /// The node's zone for the scheduler.
    pub(crate) zone: Option<String>,
}

impl Default for NodeSection {
    fn default() -> Self {
        let settings = NodeSettings::default();
        Self {
            mount_timeout: settings.mount_timeout.into(),
            memory_budget: settings.memory_budget,
            max_volumes: settings.max_volumes,
            region: settings.region,
            zone: settings.zone,
        }
    }
}

impl From<NodeSection> for NodeSettings {
    fn from(section: NodeSection) -> Self {
        Self {
            mount_timeout: section.mount_timeout.into(),
            memory_budget: section.memory_budget,
            max_volumes: section.max_volumes,
            region: section.region,
            zone: section.zone,
        }
    }
}

/// What the section `node` of a configuration file says to the node service s3-csi-node.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeSettings {
    /// How long Mountpoint may take to be ready.
    pub mount_timeout: Duration,
    /// The memory in MiB that all mounts of a node share.
    pub memory_budget: Option<u64>,
    /// How many volumes the scheduler may place on a node.
    pub max_volumes: Option<u32>,
    /// The node's region.
    pub region: Option<String>,
    /// The node's zone.
    pub zone: Option<String>,
}

impl Default for NodeSettings {
    fn default() -> Self {
        Self {
            mount_timeout: Duration::from_secs(30),
            memory_budget: None,
            max_volumes: None,
            region: None,
            zone: None,
        }
    }
}
