//! The region resolvers that ask nobody.

use s3_credential_core::{
    EnvironmentRegion, Failure, FixedRegion, MountOptionsRegion, Region, VolumeContextRegion,
    resolver_names,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::plugins::PluginContext;
use crate::registry::formats::RegionText;
use crate::registry::{NoSettings, Registry};

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
    registry.register_region(resolver_names::FIXED, |Fixed(region): &Fixed, _: &PluginContext| {
        Ok(FixedRegion::new(region.clone()))
    })
}
