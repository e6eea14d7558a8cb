//! What the service asks of the mounter, behind a trait, so that tests need no second process.

mod client;
mod failure;

use std::collections::BTreeMap;
use std::fmt;
use std::os::fd::OwnedFd;

use async_trait::async_trait;
use s3_credential_provider::EnvironmentValue;

use crate::error::CallError;
use crate::mount_id::MountId;

pub use client::SocketMounter;
pub use failure::mountpoint_failure;

/// The user and group of one mount's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MountOwner {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// A Mountpoint process to be started.
#[derive(Debug, Clone)]
pub struct MountCommand {
    /// The mount.
    pub id: MountId,
    /// The bucket.
    pub bucket: String,
    /// The arguments after the bucket and the descriptor.
    pub arguments: Vec<String>,
    /// All variables of the process.
    pub environment: BTreeMap<String, EnvironmentValue>,
    /// The reserved user and group.
    pub owner: MountOwner,
}

/// A process of the mounter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningMount {
    /// The mount.
    pub id: MountId,
    /// Its process, unless it has ended.
    pub pid: Option<u32>,
    /// The end of what it wrote to stderr.
    pub last_lines: String,
}

/// Why the mounter did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MounterError {
    /// Mountpoint ended before its file system was ready.
    Failed {
        /// How it ended, such as `exit status: 1`.
        status: String,
        /// The end of what it wrote to stderr.
        stderr: String,
    },
    /// No mounter is listening.
    Unreachable(String),
    /// No answer within the time allowed.
    TimedOut,
    /// The mounter refuses, for this reason.
    Refused(String),
}

/// The mounters of this node: the newest takes new mounts, and all are asked about theirs.
#[async_trait]
pub trait Mounter: fmt::Debug + Send + Sync + 'static {
    /// Reserves a user and a group for a mount. The same mount again has the same.
    async fn reserve(&self, id: &MountId) -> Result<MountOwner, MounterError>;

    /// Starts Mountpoint on a FUSE descriptor, and returns when its file system is ready.
    async fn mount(&self, command: MountCommand, device: OwnedFd) -> Result<(), MounterError>;

    /// Returns the processes of all mounters.
    async fn list(&self) -> Result<Vec<RunningMount>, MounterError>;

    /// Returns the mounts that have a user, whether their process runs or not.
    async fn reservations(&self) -> Result<Vec<MountId>, MounterError>;

    /// Stops a mount's process and releases its user; an unknown mount is fine.
    async fn stop(&self, id: &MountId) -> Result<(), MounterError>;
}

impl From<MounterError> for CallError {
    fn from(error: MounterError) -> Self {
        match error {
            MounterError::Failed { status, stderr } => mountpoint_failure(&status, &stderr, None),
            MounterError::Unreachable(why) => Self::unavailable(format!(
                "cannot reach the mounter: {why}; check that the pod of s3-csi-mounter runs on this node"
            )),
            MounterError::TimedOut => Self::new(
                tonic::Code::DeadlineExceeded,
                "Mountpoint was not ready in time; check that S3 can be reached from the node",
            ),
            MounterError::Refused(why) => Self::unavailable(format!("the mounter refuses: {why}")),
        }
    }
}
