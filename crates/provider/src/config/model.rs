//! The keys of a configuration file that are not [`Settings`](crate::settings::Settings).

mod chains;
mod node;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::plugins::ServiceSettings;

use chains::Chains;
pub(crate) use chains::{Link, OnFailure};
pub use node::NodeSettings;

/// The configuration of the credential provider of an S3 CSI driver. Every key is optional, and has
/// its default where it is left out.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[schemars(title = "s3cred")]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Model {
    /// The version of this format: 1.
    #[schemars(range(min = 1, max = 1))]
    pub(crate) version: u32,
    /// The sources that are asked at each authentication level, and the region resolvers, in their
    /// order.
    pub(crate) chains: Chains,
    /// Settings of credential sources, by their name in chains. A name that is not a type of source
    /// needs its `type`, so that one type can be there several times.
    #[schemars(skip)]
    pub(crate) sources: IgnoredAny,
    /// Settings of region resolvers, by their type.
    #[schemars(skip)]
    pub(crate) resolvers: IgnoredAny,
    /// The settings of calls to the services that hand out keys.
    pub(crate) services: ServiceSettings,
    /// The node service s3-csi-node.
    pub(crate) node: NodeSettings,
}

/// The keys of [`Model`]. The others of a file are those of the settings.
pub(crate) const MODEL_KEYS: &[&str] =
    &["version", "chains", "sources", "resolvers", "services", "node"];

impl Default for Model {
    fn default() -> Self {
        Self {
            version: 1,
            chains: Chains::default(),
            sources: IgnoredAny,
            resolvers: IgnoredAny,
            services: ServiceSettings::default(),
            node: NodeSettings::default(),
        }
    }
}
