//! The persistent record of one volume at one target path. It holds no secret.

use serde::{Deserialize, Serialize};

use crate::mount_id::MountId;
use crate::mounter::MountOwner;

/// How far a volume is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Its publish has begun. A restart finishes or reverses it.
    Publishing,
    /// It is mounted at its target path.
    Published,
    /// Its unpublish has begun. A restart finishes it.
    Unpublishing,
}

/// A volume at a target path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeRecord {
    /// The version of this format: 1.
    pub version: u32,
    /// The volume.
    pub volume_id: String,
    /// Where the kubelet wants it.
    pub target_path: String,
    /// How far it is.
    pub phase: Phase,
    /// The digest of all that must not change while the volume is published.
    pub fingerprint: String,
    /// The bucket.
    pub bucket: String,
    /// Whether the volume may only be read.
    pub read_only: bool,
    /// The user and group of its process, once they are reserved.
    pub uid: Option<u32>,
    /// The group of its process.
    pub gid: Option<u32>,
    /// The memory that its process may use, in MiB, where there is a budget.
    pub memory: Option<u64>,
    /// The role of its credentials, for messages.
    pub role: Option<String>,
}

impl VolumeRecord {
    /// The format that this version writes.
    pub const VERSION: u32 = 1;

    /// Returns the id of its mount.
    pub fn id(&self) -> MountId {
        MountId::new(&self.volume_id, &self.target_path)
    }

    /// Returns the user and group of its process, once they are reserved.
    pub fn owner(&self) -> Option<MountOwner> {
        Some(MountOwner { uid: self.uid?, gid: self.gid? })
    }
}
