//! The startup taint: pods with S3 volumes are kept from a node until its service is ready.

use std::fmt;
use std::time::Duration;

use k8s_openapi::api::core::v1::Node;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use s3_credential_provider::Failure;
use serde_json::json;

use super::events::refused;

/// The pauses between attempts.
const INITIAL_BACKOFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_mins(1);

/// A taint of this node, by its key.
#[derive(Clone)]
pub struct StartupTaint {
    nodes: Api<Node>,
    node: String,
    key: String,
}

impl StartupTaint {
    /// Returns the taint of a node.
    pub fn new(client: Client, node: &str, key: String) -> Self {
        Self { nodes: Api::all(client), node: node.to_owned(), key }
    }

    /// Removes the taint, and tries again until it is gone. A taint that is absent is fine.
    pub async fn remove(&self) {
        let mut backoff = INITIAL_BACKOFF;
        while let Err(failure) = self.try_remove().await {
            tracing::warn!("{failure} ({})", failure.help());
            tokio::time::sleep(backoff).await;
            backoff = (backoff * 2).min(MAX_BACKOFF);
        }
    }

    /// Removes the taint. Returns whether it was there.
    ///
    /// # Errors
    /// `permission-denied` without `get nodes` and `patch nodes`; `unavailable` where the API does
    /// not answer, or another client changed the node in between.
    pub async fn try_remove(&self) -> Result<bool, Failure> {
        let message = format!("cannot remove the startup taint `{}`", self.key);
        let found = self.nodes.get(&self.node).await;
        let node = found.map_err(|error| refused(&message, &error, "get nodes"))?;
        let taints = node.spec.and_then(|spec| spec.taints).unwrap_or_default();
        let (gone, kept): (Vec<_>, Vec<_>) =
            taints.into_iter().partition(|taint| taint.key == self.key);
        if gone.is_empty() {
            return Ok(false);
        }
        // The version makes a node that changed in between a conflict, since the list is replaced
        // as a whole.
        let version = node.metadata.resource_version;
        let patch = json!({"metadata": {"resourceVersion": version}, "spec": {"taints": kept}});
        let patched =
            self.nodes.patch(&self.node, &PatchParams::default(), &Patch::Merge(patch)).await;
        patched.map_err(|error| refused(&message, &error, "patch nodes"))?;
        tracing::info!(taint = self.key, "the startup taint is removed");
        Ok(true)
    }
}

impl fmt::Debug for StartupTaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartupTaint").field("key", &self.key).finish_non_exhaustive()
    }
}
