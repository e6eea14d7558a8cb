//! `node-label`

use std::sync::{Arc, Mutex, PoisonError};

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
    /// The driver's environment variable that has the node's name, from the downward API
    /// (`spec.nodeName`).
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
            let make = {
                let (variable, context) = (section.node_variable.clone(), context.clone());
                move || node_label(&variable, &context)
            };
            Ok(make().unwrap_or_else(|_| retried(make)))
        },
    )
}

/// A resolver that is made by the first call for which that is possible.
fn retried(
    make: impl Fn() -> Result<Arc<dyn RegionResolver>, RegionError> + Send + Sync + 'static,
) -> Arc<dyn RegionResolver> {
    let made = Mutex::new(None);
    let get = move || {
        let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.is_none() {
            *made = Some(make()?);
        }
        Ok::<_, RegionError>(made.clone())
    };
    Arc::new(resolver_fn(resolver_names::NODE_LABEL, move |context| {
        let made = get();
        async move {
            match made? {
                Some(resolver) => resolver.resolve(&context).await,
                None => Err(RegionError::not_applicable("the resolver is not made")),
            }
        }
    }))
}

fn node_label(
    variable: &str,
    context: &PluginContext,
) -> Result<Arc<dyn RegionResolver>, RegionError> {
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
