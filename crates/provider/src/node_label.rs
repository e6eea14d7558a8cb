//! The region from the node's label.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Node;
use kube::{Api, Client};
use s3_credential_core::{
    KubernetesCall, Permission, ProvideContext, Region, RegionError, RegionResolver, quietly,
    resolver_names,
};
use tokio::sync::OnceCell;
use tokio::time::timeout;

/// The well-known label of a node's region (<https://kubernetes.io/docs/reference/labels-annotations-taints/>).
const LABEL: &str = "topology.kubernetes.io/region";

/// How long the look-up may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// The label `topology.kubernetes.io/region` of the node that the driver runs on. A region that was found is remembered for ever: a
/// node does not move.
pub struct NodeLabelRegion {
    client: Client,
    node: String,
    found: OnceCell<Region>,
}

impl NodeLabelRegion {
    /// Reads the label of this node, which the driver knows from the downward API (`spec.nodeName`).
    pub fn new(client: Client, node: impl Into<String>) -> Self {
        Self { client, node: node.into(), found: OnceCell::new() }
    }

    async fn look_up(&self) -> Result<Region, RegionError> {
        let call =
            KubernetesCall { verb: "get", resource: "nodes", namespace: None, name: &self.node };
        call.check()?;
        let nodes: Api<Node> = Api::all(self.client.clone());
        let node = match timeout(PATIENCE, quietly(nodes.get(&self.node))).await {
            Ok(Ok(node)) => node,
            Ok(Err(kube::Error::Api(status))) => return Err(call.refused(status.code).into()),
            Ok(Err(_)) => return Err(call.unreachable().into()),
            Err(_) => return Err(call.timed_out().into()),
        };
        let name =
            node.metadata.labels.as_ref().and_then(|labels| labels.get(LABEL)).ok_or_else(
                || RegionError::not_applicable(format!("the node has no label {LABEL}")),
            )?;
        Ok(Region::parse(&format!("the node's label {LABEL}"), name)?)
    }
}

impl fmt::Debug for NodeLabelRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeLabelRegion").field("node", &self.node).finish_non_exhaustive()
    }
}

#[async_trait]
impl RegionResolver for NodeLabelRegion {
    fn name(&self) -> &'static str {
        resolver_names::NODE_LABEL
    }

    async fn resolve(&self, _context: &ProvideContext) -> Result<Region, RegionError> {
        self.found.get_or_try_init(|| self.look_up()).await.cloned()
    }

    fn permissions(&self) -> Vec<Permission> {
        let purpose = "the region is a label of the node";
        vec![Permission::new("get", "nodes", purpose)]
    }
}
