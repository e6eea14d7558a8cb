//! Reports to the cluster: events on pods, and that the node is ready for volumes.
//!
//! Both are optional. Without access to the Kubernetes API the service works as with it, and logs
//! that once.

mod changes;
mod events;
mod node_taint;
mod watcher;

use std::sync::Arc;

use s3_credential_provider::{Environment, kubernetes_client};

pub use changes::{EventSink, PodEvent, PodRef};
pub use events::KubernetesEvents;
pub use node_taint::StartupTaint;

pub(crate) use changes::{Events, VolumeKey};
pub(crate) use watcher::watch;

/// The part of the cluster that the service writes to.
#[derive(Debug, Clone, Default)]
pub struct Cluster {
    /// Where events go.
    pub events: Option<Arc<dyn EventSink>>,
    /// The taint that is removed from the node once the service is ready.
    pub startup_taint: Option<StartupTaint>,
}

impl Cluster {
    /// Returns the cluster of the driver's environment. Call it within a tokio runtime.
    pub fn new(
        environment: &Environment,
        driver_name: &str,
        node: &str,
        taint: Option<String>,
    ) -> Self {
        match kubernetes_client(environment) {
            Ok(Some(client)) => Self {
                startup_taint: taint.map(|key| StartupTaint::new(client.clone(), node, key)),
                events: Some(Arc::new(KubernetesEvents::new(client, driver_name, node))),
            },
            Ok(None) => {
                tracing::info!("no Kubernetes API is configured, so no events are written");
                Self::default()
            }
            Err(failure) => {
                tracing::warn!("no events are written: {failure} ({})", failure.help());
                Self::default()
            }
        }
    }
}
