//! `profile`

use s3_credential_core::{AuthenticationLevel, Failure, source_names};
use s3_credential_profile::ProfileSource;

use crate::registry::{Driver, NoSettings, Registry};

pub(super) fn register(registry: &mut Registry) -> Result<(), Failure> {
    registry
        .register(source_names::PROFILE, |_: &NoSettings, driver: &Driver| {
            Ok(ProfileSource::new(driver.environment()))
        })?
        .only_at([AuthenticationLevel::Driver]);
    Ok(())
}
