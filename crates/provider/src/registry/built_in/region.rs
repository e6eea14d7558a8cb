//! The region resolvers that call no service.

use s3_credential_core::{
    EnvironmentRegion, Failure, FixedRegion, MountOptionsRegion, Region, VolumeContextRegion,
    resolver_names,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::plugins::PluginContext;
use crate::registry::{NoSettings, Registry};

/// One region for every volume.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FixedSettings {
    /// The region.
    #[schemars(extend("format" = "aws-region"))]
    region: String,
}

pub(super) fn register(registry: &mut Registry) -> Result<(), Failure> {
    registry
        .register_region(resolver_names::VOLUME_CONTEXT, |_: &NoSettings, _: &PluginContext| {
            Ok(VolumeContextRegion)
        })?;
    registry
        .register_region(resolver_names::MOUNT_OPTIONS, |_: &NoSettings, _: &PluginContext| {
            Ok(MountOptionsRegion)
        })?;
    registry.register_region(
        resolver_names::ENVIRONMENT,
        |_: &NoSettings, context: &PluginContext| {
            Ok(EnvironmentRegion::new(context.environment().clone()))
        },
    )?;
    registry.register_region(
        resolver_names::FIXED,
        |settings: &FixedSettings, _: &PluginContext| {
            Ok(FixedRegion::new(Region::parse("the fixed region", &settings.region)?))
        },
    )?;
    Ok(())
}
