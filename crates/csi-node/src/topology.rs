//! Region and zone of the node, as the scheduler knows them.

use std::collections::BTreeMap;

use s3_credential_provider::{Environment, NodeSettings};

/// The labels of region and zone in Kubernetes.
const REGION_LABEL: &str = "topology.kubernetes.io/region";
const ZONE_LABEL: &str = "topology.kubernetes.io/zone";

/// Returns the node's topology, as far as the configuration and the environment know it.
pub(crate) fn topology(
    settings: &NodeSettings,
    environment: &Environment,
) -> BTreeMap<String, String> {
    let region = settings.region.as_deref().or_else(|| environment.get("AWS_REGION"));
    let region = region.or_else(|| environment.get("AWS_DEFAULT_REGION"));
    [(REGION_LABEL, region), (ZONE_LABEL, settings.zone.as_deref())]
        .into_iter()
        .filter_map(|(label, value)| Some((label.to_owned(), value?.to_owned())))
        .collect()
}
