//! The plug-ins of this workspace, registered as anybody's are: their settings as a file has them, and how each is made.

mod irsa;
mod pod_identity;
mod pod_token;
mod region;
mod secret;
mod session;

use std::sync::Arc;

use s3_credential_core::{
    AuthenticationLevel, CredentialSource, Failure, SourceError, source_fn, source_names,
};
use s3_credential_imds::ImdsSource;
use s3_credential_profile::ProfileSource;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::registry::{Driver, Registry};

/// Settings of a plug-in that has none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NoSettings {}

pub(super) fn register_all(registry: &mut Registry) -> Result<(), Failure> {
    use AuthenticationLevel::{Driver as AtDriver, Secret as AtSecret};
    irsa::register(registry)?;
    pod_identity::register(registry)?;
    pod_token::register(registry)?;
    secret::register(registry)?;
    registry
        .register(source_names::PROFILE, |_: &NoSettings, driver: &Driver| {
            Ok(ProfileSource::new(driver.environment()))
        })?
        .only_at([AtDriver]);
    registry
        .register(source_names::IMDS, |_: &NoSettings, driver: &Driver| {
            Ok(ImdsSource::new(driver.imds()))
        })?
        .only_at([AtDriver, AtSecret]);
    region::register(registry)
}

/// A source that cannot be made is the trouble of the volumes that need it, and of no others.
fn made_or_broken(
    name: &str,
    source: Result<Arc<dyn CredentialSource>, Failure>,
) -> Arc<dyn CredentialSource> {
    source.unwrap_or_else(|failure| {
        Arc::new(source_fn(name, move |_| {
            let failure = failure.clone();
            async move { Err(SourceError::Failed(failure)) }
        }))
    })
}
