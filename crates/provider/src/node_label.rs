//! The region from the node's label.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Node;
use kube::{Api, Client};
use s3_credential_core::{
    Clock, Failure, KubernetesCall, Permission, ProvideContext, Region, RegionError,
    RegionResolver, SingleFlight, quietly, resolver_names,
};
use tokio::time::timeout;

/// The well-known label of a node's region
/// (<https://kubernetes.io/docs/reference/labels-annotations-taints/>).
const LABEL: &str = "topology.kubernetes.io/region";

/// The time-out of the look-up.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a missing label counts as missing: it may be set later, but not every republish shall
/// ask.
const ABSENCE: Duration = Duration::from_mins(1);

/// The label `topology.kubernetes.io/region` of the node that the driver runs on.
///
/// A region that was found is remembered for ever, since a node does not move; that there is no
/// label for a minute; a failure not at all. Callers of one moment share one look-up and what it
/// comes to.
pub struct NodeLabelRegion {
    client: Client,
    node: String,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
    flights: SingleFlight<(), Label>,
}

/// The label of the node, if it has one.
type Label = Result<Option<Region>, Failure>;

enum Known {
    Unknown,
    Region(Region),
    /// No label at this instant of [`Clock::elapsed`].
    NoLabel(Duration),
}

impl NodeLabelRegion {
    /// Reads the label of this node, which the driver knows from the downward API
    /// (`spec.nodeName`).
    pub fn new(client: Client, node: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self {
            client,
            node: node.into(),
            clock,
            known: Mutex::new(Known::Unknown),
            flights: SingleFlight::default(),
        }
    }

    async fn label(&self) -> Label {
        match &*self.known() {
            Known::Region(region) => return Ok(Some(region.clone())),
            Known::NoLabel(at) if self.clock.elapsed().saturating_sub(*at) < ABSENCE => {
                return Ok(None);
            }
            _ => {}
        }
        let look_up = || look_up(self.client.clone(), self.node.clone());
        let label = self.flights.run((), look_up).await?;
        *self.known() = match &label {
            Some(region) => Known::Region(region.clone()),
            None => Known::NoLabel(self.clock.elapsed()),
        };
        Ok(label)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // No update can be half-done here, so a poisoned lock can be used like any other.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn look_up(client: Client, node: String) -> Label {
    let call = KubernetesCall { verb: "get", resource: "nodes", namespace: None, name: &node };
    call.check()?;
    let nodes: Api<Node> = Api::all(client);
    let found = match timeout(PATIENCE, quietly(nodes.get(&node))).await {
        Ok(Ok(found)) => found,
        Ok(Err(kube::Error::Api(status))) => return Err(call.refused(status.code)),
        Ok(Err(_)) => return Err(call.unreachable()),
        Err(_) => return Err(call.timed_out()),
    };
    let label = found.metadata.labels.as_ref().and_then(|labels| labels.get(LABEL));
    // An empty value is an unset one.
    let label = label.filter(|name| !name.is_empty());
    label.map(|name| Region::parse(&format!("the node's label {LABEL}"), name)).transpose()
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
        self.label().await?.ok_or_else(|| {
            RegionError::not_applicable(format!("the node has no label {LABEL}"))
                .with_help(format!("label the node, as a cloud provider does: {LABEL}=REGION"))
        })
    }

    fn permissions(&self) -> Vec<Permission> {
        let purpose = "the region is a label of the node";
        vec![Permission::new("get", "nodes", purpose)]
    }
}
