//! The loopback endpoint's part in leases: grants, and the checkpoint from which the next start
//! restores them.

#[cfg_attr(
    not(feature = "endpoint"),
    allow(dead_code, reason = "only the endpoint writes checkpoints")
)]
mod checkpoint;
#[cfg(feature = "endpoint")]
mod backend;
#[cfg(not(feature = "endpoint"))]
mod disabled;
#[cfg(feature = "endpoint")]
mod server;

#[cfg(feature = "endpoint")]
pub use backend::EndpointBackend;
pub(crate) use checkpoint::Checkpoint;
#[cfg(feature = "endpoint")]
pub(crate) use server::EndpointServer;
