//! A CSI node service for S3 volumes: mounts that outlive it, and credentials that rotate beneath
//! them.
//!
//! **In:** the kubelet's CSI calls over a unix socket. **Out:** Mountpoint file systems at target
//! paths, served by processes of the mounter. **Fails** with the codes of the CSI table and a
//! message for the user of the volume.
//!
//! A driver of one's own takes the parts that it needs: [`Node`] is the logic on plain types,
//! behind the traits [`Mounts`] and [`Mounter`]; the services in [`grpc`] answer for it.
//!
//! ```
//! use s3_csi_node::MountpointArguments;
//!
//! let arguments = MountpointArguments::parse(["region us-east-1", "read-only"])?;
//! assert_eq!(arguments.words(), ["--region=us-east-1"]);
//! assert!(arguments.read_only);
//! # Ok::<(), s3_csi_node::CallError>(())
//! ```

// In the order in which data flows.
pub mod grpc;
mod call;
mod error;
mod mount_options;

mod mount_id;
mod mounter;
mod mounts;
mod volume;
mod volume_locks;
mod node;

mod cluster;
mod socket;
mod topology;
mod metrics;
mod http;
mod service;

mod arguments;
mod logging;
mod start;

pub use call::PublishCall;
pub use cluster::{Cluster, EventSink, KubernetesEvents, PodEvent, PodRef, StartupTaint};
pub use error::CallError;
pub use mount_id::{MountId, PluginDirectory};
pub use mount_options::MountpointArguments;
pub use mounter::{
    MountCommand, MountOwner, Mounter, MounterError, RunningMount, SocketMounter,
    mountpoint_failure,
};
pub use mounts::{
    FuseOptions, LinuxMounts, MountEntry, Mounts, Usage, is_mounted, mounted_at, parse_mountinfo,
};
pub use node::{MemoryBudget, Node, NodeOptions, StartReport, VolumeCondition, VolumeStats};
pub use service::{STOP_TIMEOUT, ServiceOptions, serve};
pub use socket::{Connection, Socket, parse_endpoint};
pub use start::run;
pub use volume::{Phase, VolumeRecord, VolumeStore};
pub use volume_locks::{VolumeGuard, VolumeLocks};
