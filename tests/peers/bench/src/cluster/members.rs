//! A node with each of the libraries: fifty volumes, each with a token of its own.

pub(super) mod aws_config;
pub(super) mod object_store;
pub(super) mod ours;
pub(super) mod reqsign;

use std::sync::Arc;

use super::network::Network;

/// A node that has just started.
pub(super) trait Member: Send + Sync + 'static {
    /// To be called within the runtime.
    fn new(network: &Arc<Network>) -> Self;

    /// Returns whether the volume has credentials now.
    fn publish(&self, volume: usize) -> impl Future<Output = bool> + Send;
}
