//! `irsa`

use s3_credential_core::{AuthenticationLevel, Failure, source_names};
use s3_credential_irsa::IrsaSettings;

use crate::plugins;
use crate::registry::Registry;

pub(super) fn register(registry: &mut Registry) -> Result<(), Failure> {
    registry
        .register(source_names::IRSA, plugins::irsa::source)?
        .only_at([AuthenticationLevel::Driver, AuthenticationLevel::Secret])
        .check(|settings: &IrsaSettings| settings.session.check(settings.second_hop.as_ref()));
    Ok(())
}
