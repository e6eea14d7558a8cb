//! The resolvers that need only the context and the driver's environment.

use async_trait::async_trait;

use crate::context::ProvideContext;
use crate::environment::{Environment, names};
use crate::region::{Region, RegionError, RegionResolver, resolver_names};

/// The volume attribute `stsRegion`.
#[derive(Debug, Clone, Copy, Default)]
pub struct VolumeContextRegion;

#[async_trait]
impl RegionResolver for VolumeContextRegion {
    fn name(&self) -> &'static str {
        resolver_names::VOLUME_CONTEXT
    }

    async fn resolve(&self, context: &ProvideContext) -> Result<Region, RegionError> {
        let name = context.sts_region().ok_or_else(|| {
            RegionError::not_applicable("the volume attribute `stsRegion` is not set")
        })?;
        Ok(Region::parse("the volume attribute `stsRegion`", name)?)
    }
}

/// The mount option `--region`.
#[derive(Debug, Clone, Copy, Default)]
pub struct MountOptionsRegion;

#[async_trait]
impl RegionResolver for MountOptionsRegion {
    fn name(&self) -> &'static str {
        resolver_names::MOUNT_OPTIONS
    }

    async fn resolve(&self, context: &ProvideContext) -> Result<Region, RegionError> {
        let name = context
            .mount_options()
            .value("region")
            .ok_or_else(|| RegionError::not_applicable("the mount option `--region` is not set"))?;
        Ok(Region::parse("the mount option `--region`", name)?)
    }
}

/// The driver's `AWS_REGION`, then its `AWS_DEFAULT_REGION`.
#[derive(Debug, Clone)]
pub struct EnvironmentRegion {
    environment: Environment,
}

impl EnvironmentRegion {
    /// Reads this environment.
    pub fn new(environment: Environment) -> Self {
        Self { environment }
    }
}

#[async_trait]
impl RegionResolver for EnvironmentRegion {
    fn name(&self) -> &'static str {
        resolver_names::ENVIRONMENT
    }

    async fn resolve(&self, _context: &ProvideContext) -> Result<Region, RegionError> {
        let (variable, name) = [names::AWS_REGION, names::AWS_DEFAULT_REGION]
            .into_iter()
            .find_map(|variable| Some((variable, self.environment.get(variable)?)))
            .ok_or_else(|| {
                RegionError::not_applicable(
                    "neither AWS_REGION nor AWS_DEFAULT_REGION is set for the driver",
                )
            })?;
        Ok(Region::parse(variable, name)?)
    }
}

/// A region that the configuration names for every volume.
#[derive(Debug, Clone)]
pub struct FixedRegion {
    region: Region,
}

impl FixedRegion {
    /// Always this region.
    pub fn new(region: Region) -> Self {
        Self { region }
    }
}

#[async_trait]
impl RegionResolver for FixedRegion {
    fn name(&self) -> &'static str {
        resolver_names::FIXED
    }

    async fn resolve(&self, _context: &ProvideContext) -> Result<Region, RegionError> {
        Ok(self.region.clone())
    }
}
