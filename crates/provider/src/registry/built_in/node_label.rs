//! `node-label`

use std::sync::Arc;

use s3_credential_core::{Failure, RegionError, RegionResolver, resolver_fn, resolver_names};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::node_label::NodeLabelRegion;
use crate::plugins::PluginContext;
use crate::registry::Registry;

/// The variable that the AWS driver's chart sets from the downward API (`spec.nodeName`).
const NODE_VARIABLE: &str = "CSI_NODE_NAME";

/// The label `topology.kubernetes.io/region` of the node that the driver runs on.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct NodeLabelSection {
    /// The driver's environment variable that has the node's name, from the downward API (`spec.nodeName`).
    #[schemars(length(min = 1))]
    node_variable: String,
}

impl Default for NodeLabelSection {
    fn default() -> Self {
        Self { node_variable: NODE_VARIABLE.to_owned() }
    }
}

pub(super) fn register(registry: &mut Registry) -> Result<(), Failure> {
    registry.register_region(
        resolver_names::NODE_LABEL,
        |section: &NodeLabelSection, context: &PluginContext| {
            Ok(node_label(section, context).unwrap_or_else(|error| {
                Arc::new(resolver_fn(resolver_names::NODE_LABEL, move |_| {
                    let error = error.clone();
                    async move { Err(error) }
                }))
            }))
        },
    )
}

fn node_label(
    section: &NodeLabelSection,
    context: &PluginContext,
) -> Result<Arc<dyn RegionResolver>, RegionError> {
    let variable = &section.node_variable;
    let node = context.environment().get(variable).ok_or_else(|| {
        RegionError::not_applicable(format!(
            "{variable} is not set for the driver: its node is not known"
        ))
        .with_help(format!(
            "set {variable} from `spec.nodeName` in the driver's pod (downward API)"
        ))
    })?;
    let client = context.kubernetes()?.ok_or_else(|| {
        RegionError::not_applicable(
            "no Kubernetes API is configured to read the node's label through",
        )
    })?;
    Ok(Arc::new(NodeLabelRegion::new(client, node, context.clock())))
}
