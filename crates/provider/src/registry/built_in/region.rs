//! The region resolvers that ask nobody.

use s3_credential_core::{
    EnvironmentRegion, Failure, FixedRegion, MountOptionsRegion, Region, VolumeContextRegion,
    resolver_names,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::RegionText;
use crate::registry::{Driver, NoSettings, Registry};

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
    registry.register_region(resolver_names::VOLUME_CONTEXT, |_: &NoSettings, _: &Driver| {
        Ok(VolumeContextRegion)
    })?;
    registry.register_region(resolver_names::MOUNT_OPTIONS, |_: &NoSettings, _: &Driver| {
        Ok(MountOptionsRegion)
    })?;
    registry.register_region(resolver_names::ENVIRONMENT, |_: &NoSettings, driver: &Driver| {
        Ok(EnvironmentRegion::new(driver.environment().clone()))
    })?;
    registry.register_region(resolver_names::FIXED, |Fixed(region): &Fixed, _: &Driver| {
        Ok(FixedRegion::new(region.clone()))
    })
}
