//! What is written, and what is listened on.

use std::net::SocketAddr;

use s3_credential_core::Owner;
use s3_credential_delivery::FileOptions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::registry::LoopbackAddress;
use crate::settings::EndpointSettings;

/// Modes and owner of what is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct FilesSection {
    /// Whether only the owner may read: 0700 and 0600, instead of 0750 and 0640.
    pub(crate) owner_only: bool,
    /// Who owns the files, instead of the driver's user and the write path's group. Needs CAP_CHOWN.
    pub(crate) owner: Option<OwnerSection>,
}

/// A user and a group, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnerSection {
    /// The user.
    #[schemars(range(max = 4_294_967_294_u32))]
    uid: u32,
    /// The group.
    #[schemars(range(max = 4_294_967_294_u32))]
    gid: u32,
}

impl From<FilesSection> for FileOptions {
    fn from(FilesSection { owner_only, owner }: FilesSection) -> Self {
        Self {
            owner_only,
            owner: owner.map(|OwnerSection { uid, gid }| Owner { uid, gid }),
            group: None,
        }
    }
}

/// The loopback endpoint of the delivery `endpoint`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct EndpointSection {
    /// The loopback address and port to listen on. Where unset a port is chosen once and kept for as long as there are leases.
    #[schemars(with = "LoopbackAddress")]
    pub(crate) address: Option<SocketAddr>,
}

impl From<EndpointSection> for EndpointSettings {
    fn from(EndpointSection { address }: EndpointSection) -> Self {
        Self { address }
    }
}
