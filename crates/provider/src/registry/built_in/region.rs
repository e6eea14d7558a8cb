//! The region resolvers.

use std::sync::Arc;

use s3_credential_core::{
    EnvironmentRegion, Failure, FixedRegion, MountOptionsRegion, Region, RegionError,
    RegionResolver, VolumeContextRegion, resolver_fn, resolver_names,
};
use s3_credential_imds::ImdsRegion;
use schemars::JsonSchema;
use serde::Deserialize;

use super::NoSettings;
use crate::config::RegionText;
use crate::node_label::NodeLabelRegion;
use crate::registry::{Driver, Registry};

/// The variable that the AWS driver's chart sets from the downward API (`spec.nodeName`).
const NODE_VARIABLE: &str = "CSI_NODE_NAME";

/// One region for every volume.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FixedSection {
    /// The region.
    #[schemars(with = "RegionText")]
    region: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(try_from = "FixedSection")]
#[schemars(with = "FixedSection")]
struct Fixed(Region);

impl TryFrom<FixedSection> for Fixed {
    type Error = Failure;

    fn try_from(section: FixedSection) -> Result<Self, Failure> {
        Region::parse("the fixed region", &section.region).map(Self)
    }
}

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
    registry.register_region(resolver_names::VOLUME_CONTEXT, |_: &NoSettings, _: &Driver| {
        Ok(VolumeContextRegion)
    })?;
    registry.register_region(resolver_names::MOUNT_OPTIONS, |_: &NoSettings, _: &Driver| {
        Ok(MountOptionsRegion)
    })?;
    registry.register_region(resolver_names::ENVIRONMENT, |_: &NoSettings, driver: &Driver| {
        Ok(EnvironmentRegion::new(driver.environment().clone()))
    })?;
    registry.register_region(resolver_names::IMDS, |_: &NoSettings, driver: &Driver| {
        Ok(ImdsRegion::new(driver.imds()))
    })?;
    registry.register_region(resolver_names::FIXED, |Fixed(region): &Fixed, _: &Driver| {
        Ok(FixedRegion::new(region.clone()))
    })?;
    registry.register_region(
        resolver_names::NODE_LABEL,
        |section: &NodeLabelSection, driver: &Driver| {
            Ok(node_label(section, driver).unwrap_or_else(|error| {
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
    driver: &Driver,
) -> Result<Arc<dyn RegionResolver>, RegionError> {
    let variable = &section.node_variable;
    let node = driver.environment().get(variable).ok_or_else(|| {
        RegionError::not_applicable(format!(
            "{variable} is not set for the driver: its node is not known"
        ))
        .with_help(format!(
            "set {variable} from `spec.nodeName` in the driver's pod (downward API)"
        ))
    })?;
    let client = driver.kubernetes()?.ok_or_else(|| {
        RegionError::not_applicable(
            "no Kubernetes API is configured to read the node's label through",
        )
    })?;
    Ok(Arc::new(NodeLabelRegion::new(client, node, driver.clock())))
}
