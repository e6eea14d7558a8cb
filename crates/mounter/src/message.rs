//! The messages between the node service and the mounter, as JSON.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroize as _;

/// The version of these messages.
pub(crate) const VERSION: u32 = 1;

/// What the mounter does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// Starts Mountpoint on the descriptor that comes with the message.
    #[default]
    Mount,
    /// Reserves a user for a mount.
    Reserve,
    /// Returns all processes.
    List,
    /// Returns the mounts that have a user.
    Reservations,
    /// Stops a mount's process and releases its user.
    Stop,
}

/// A message to the mounter. Without a version it is the Go drivers', whose senders read no answer.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Message {
    /// The version of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// What to do.
    pub operation: Operation,
    /// The bucket.
    pub bucket_name: String,
    /// Mountpoint's arguments after the bucket and the descriptor.
    pub args: Vec<String>,
    /// All variables of the process, as `NAME=value`.
    pub env: Variables,
    /// The mount.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume_id: Option<String>,
}

impl Message {
    /// Returns a message of this version about a mount.
    pub fn new(operation: Operation, id: &str) -> Self {
        Self {
            version: Some(VERSION),
            operation,
            volume_id: Some(id.to_owned()).filter(|id| !id.is_empty()),
            ..Self::default()
        }
    }
}

/// Shows no argument.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("operation", &self.operation)
            .field("volume_id", &self.volume_id)
            .field("bucket_name", &self.bucket_name)
            .field("env", &self.env)
            .finish_non_exhaustive()
    }
}

/// Variables as `NAME=value`. They are overwritten when they are dropped.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Variables(pub Vec<String>);

impl Drop for Variables {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Only their number is shown.
impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Variables").field(&self.0.len()).finish()
    }
}

/// The mounter's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "UPPERCASE", rename_all_fields = "camelCase")]
pub enum Reply {
    /// The file system is ready, or the operation is done.
    Ready,
    /// Mountpoint ended before its file system was ready.
    Failed {
        /// How it ended, such as `exit status: 1`.
        status: String,
        /// The end of its output.
        stderr: String,
    },
    /// The mounter refuses, for this reason.
    Refused {
        /// Why.
        reason: String,
    },
    /// The mounter stops: a newer one takes new mounts.
    Draining,
    /// The user and group of a mount.
    Reserved {
        /// The user.
        uid: u32,
        /// The group.
        gid: u32,
    },
    /// The mounts that have a user.
    Reservations {
        /// Each mount.
        ids: Vec<String>,
    },
    /// The processes.
    Mounts {
        /// Each process.
        mounts: Vec<ProcessEntry>,
    },
}

/// A process of the mounter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessEntry {
    /// The mount.
    pub volume_id: String,
    /// The process, unless it has ended.
    pub pid: Option<u32>,
    /// The end of its output.
    pub last_lines: String,
}
