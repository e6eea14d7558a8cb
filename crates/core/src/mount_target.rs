//! The driver's description of a mount, in addition to the request.

use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{ErrorKind, Failure};
use crate::role::RoleArn;

/// The way in which Mountpoint is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MountKind {
    /// In a pod of its own, with its own network namespace.
    #[default]
    Pod,
    /// As a systemd unit on the node.
    Systemd,
}

impl MountKind {
    /// The word on the command line and in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pod => "pod",
            Self::Systemd => "systemd",
        }
    }
}

impl FromStr for MountKind {
    type Err = Failure;

    fn from_str(word: &str) -> Result<Self, Failure> {
        [Self::Pod, Self::Systemd].into_iter().find(|kind| kind.as_str() == word).ok_or_else(|| {
            Failure::new(ErrorKind::InvalidRequest, "the mount kind is none of pod and systemd")
        })
    }
}

/// A user and a group, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "config", derive(schemars::JsonSchema), serde(deny_unknown_fields))]
pub struct Owner {
    /// The user.
    #[cfg_attr(feature = "config", schemars(range(max = 4_294_967_294_u32)))]
    pub uid: u32,
    /// The group.
    #[cfg_attr(feature = "config", schemars(range(max = 4_294_967_294_u32)))]
    pub gid: u32,
}

/// The driver's description of the mount, in addition to the request.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MountTarget {
    /// The existing directory under which credential files are written, as this process sees it.
    pub write_path: PathBuf,
    /// The same directory as Mountpoint sees it; the write path where unset.
    pub env_path: Option<PathBuf>,
    /// The way in which Mountpoint is run.
    pub kind: MountKind,
    /// The uid of the Mountpoint pod where several workloads share one.
    pub mountpoint_pod_uid: Option<String>,
    /// The owner of the volume's files, where it differs from the configured one.
    pub owner: Option<Owner>,
    /// The role that the driver has looked up for the pod; it goes before mapping and annotation.
    pub role_arn: Option<RoleArn>,
    /// Whether Mountpoint is running with the earlier credentials; the lease table decides where
    /// unset.
    #[serde(skip)]
    pub mounted: Option<bool>,
}

impl MountTarget {
    /// Makes a target with this write path.
    pub fn new(write_path: impl Into<PathBuf>) -> Self {
        Self { write_path: write_path.into(), ..Self::default() }
    }

    /// Sets the path at which Mountpoint sees the write path.
    #[must_use]
    pub fn with_env_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.env_path = Some(path.into());
        self
    }

    /// Sets the way in which Mountpoint is run.
    #[must_use]
    pub fn with_kind(mut self, kind: MountKind) -> Self {
        self.kind = kind;
        self
    }

    /// Sets the Mountpoint pod that several workloads share.
    #[must_use]
    pub fn with_mountpoint_pod_uid(mut self, uid: impl Into<String>) -> Self {
        self.mountpoint_pod_uid = Some(uid.into()).filter(|uid| !uid.is_empty());
        self
    }

    /// Sets the owner of the volume's files, which needs `CAP_CHOWN`.
    #[must_use]
    pub fn with_owner(mut self, owner: Owner) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Sets the role that the driver has looked up.
    #[must_use]
    pub fn with_role_arn(mut self, role_arn: RoleArn) -> Self {
        self.role_arn = Some(role_arn);
        self
    }

    /// Sets whether Mountpoint is running, where the driver knows it.
    #[must_use]
    pub fn with_mounted(mut self, mounted: bool) -> Self {
        self.mounted = Some(mounted);
        self
    }
}
