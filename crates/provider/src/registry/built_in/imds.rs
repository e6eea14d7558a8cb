//! `imds`, the source and the region resolver

use s3_credential_core::{AuthenticationLevel, Failure, resolver_names, source_names};
use s3_credential_imds::{ImdsRegion, ImdsSource};

use crate::registry::{Driver, NoSettings, Registry};

pub(super) fn register(registry: &mut Registry) -> Result<(), Failure> {
    registry
        .register(source_names::IMDS, |_: &NoSettings, driver: &Driver| {
            Ok(ImdsSource::new(driver.imds()))
        })?
        .only_at([AuthenticationLevel::Driver, AuthenticationLevel::Secret]);
    registry.register_region(resolver_names::IMDS, |_: &NoSettings, driver: &Driver| {
        Ok(ImdsRegion::new(driver.imds()))
    })
}
