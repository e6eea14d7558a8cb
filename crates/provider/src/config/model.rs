//! What a configuration file may say, but for the settings of plug-ins, which are their own types.

mod chains;
mod delivery;
mod files;
mod node;
mod rotation;
mod services;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::document::Period;
use crate::registry::AbsolutePath;
use crate::settings::{Scope, Settings};

use chains::Chains;
pub(crate) use chains::{Link, OnFailure};
pub(crate) use delivery::DeliverySection;
use files::{EndpointSection, FilesSection};
use node::NodeSection;
pub use node::NodeSettings;
pub(crate) use rotation::RotationSection;
pub(crate) use services::ServicesSection;

/// The configuration of the credential provider of an S3 CSI driver. Every key is optional; what is left out has its default.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[schemars(title = "s3cred")]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Model {
    /// The version of this format: 1.
    #[schemars(range(min = 1, max = 1))]
    pub(crate) version: u32,
    /// Which sources are asked at each authentication level, and which region resolvers, in their order.
    pub(crate) chains: Chains,
    /// Settings of credential sources, by their name in chains. A name that is not a type of source needs its `type`, so that one type can
    /// be there several times.
    #[schemars(skip)]
    pub(crate) sources: IgnoredAny,
    /// Settings of region resolvers, in the same way.
    #[schemars(skip)]
    pub(crate) resolvers: IgnoredAny,
    /// How credentials reach Mountpoint, by the way in which it is run and the form of the credentials.
    pub(crate) delivery: DeliverySection,
    /// What a volume's credentials may do: all that the role may (`role`), or only what this volume needs (`volume`).
    pub(crate) scope: ScopeWord,
    /// When credentials are renewed.
    pub(crate) rotation: RotationSection,
    /// Modes and owner of what is written.
    pub(crate) files: FilesSection,
    /// The loopback endpoint of the delivery `endpoint`.
    pub(crate) endpoint: EndpointSection,
    /// How the services are asked that hand out keys.
    pub(crate) services: ServicesSection,
    /// The node service s3-csi-node.
    pub(crate) node: NodeSection,
    /// How long one `provide` may take in all.
    pub(crate) deadline: Period,
    /// Whether an inline (ephemeral) volume, which a tenant writes, may use the driver's own credentials.
    pub(crate) allow_ephemeral_driver_level: bool,
    /// Where leases are remembered: a directory of the driver's own, which outlives its restarts. `/run/s3cred` for root where unset.
    #[schemars(with = "AbsolutePath")]
    pub(crate) state_path: Option<PathBuf>,
}

/// What a volume's credentials may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ScopeWord {
    /// All that the role may.
    Role,
    /// Only this volume's bucket and prefix, by a session policy of STS.
    Volume,
}

impl From<ScopeWord> for Scope {
    fn from(word: ScopeWord) -> Self {
        match word {
            ScopeWord::Role => Self::Role,
            ScopeWord::Volume => Self::Volume,
        }
    }
}

impl Default for Model {
    fn default() -> Self {
        let settings = Settings::default();
        Self {
            version: 1,
            chains: Chains::default(),
            sources: IgnoredAny,
            resolvers: IgnoredAny,
            delivery: DeliverySection::default(),
            scope: match settings.scope {
                Scope::Role => ScopeWord::Role,
                Scope::Volume => ScopeWord::Volume,
            },
            rotation: RotationSection::default(),
            files: FilesSection::default(),
            endpoint: EndpointSection::default(),
            services: ServicesSection::default(),
            node: NodeSection::default(),
            deadline: settings.deadline.into(),
            allow_ephemeral_driver_level: settings.allow_ephemeral_driver_level,
            state_path: None,
        }
    }
}

impl Model {
    /// The choices that are not plug-ins.
    pub(crate) fn settings(&self) -> Settings {
        let defaults = Settings::default();
        Settings {
            state_path: self.state_path.clone(),
            deliveries: self.delivery.into(),
            scope: self.scope.into(),
            rotation: self.rotation.into(),
            files: self.files.into(),
            endpoint: self.endpoint.into(),
            deadline: self.deadline.into(),
            allow_ephemeral_driver_level: self.allow_ephemeral_driver_level,
            ..defaults
        }
    }
}
