//! The section `node`, for the node service s3-csi-node. The provider itself does not use it.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

/// The node service s3-csi-node.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[non_exhaustive]
pub struct NodeSettings {
    /// How long Mountpoint may take to be ready before a publish fails.
    pub mount_timeout: Duration,
    /// The memory in MiB that all mounts of a node share; each gets half of what is left. Unlimited
    /// where unset.
    #[schemars(range(min = 512))]
    pub memory_budget: Option<u64>,
    /// How many volumes the scheduler may place on a node. Unlimited where unset.
    #[schemars(range(min = 1, max = 2_147_483_647))]
    pub max_volumes: Option<u32>,
    /// The node's region for the scheduler. AWS_REGION where unset.
    #[schemars(extend("format" = "aws-region"))]
    pub region: Option<String>,
    /// The node's zone for the scheduler.
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
