//! The four modes of Kubernetes Secrets.

#[cfg(feature = "kube")]
mod watch;

use s3_credential_core::{AuthenticationLevel, Failure, source_names};
use s3_credential_secret::{
    KeyNames, SecretDirectorySettings, SecretDirectorySource, SecretRequestSource,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::plugins::{self, PluginContext};
use crate::registry::{NoSettings, Registry};

/// The secrets of the publish request (`nodePublishSecretRef`).
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct RequestSettings {
    /// Names of the entries of the Secret, where they are none of the known ones.
    key_names: Option<KeyNames>,
}

pub(super) fn register(registry: &mut Registry) -> Result<(), Failure> {
    use AuthenticationLevel::{Driver as AtDriver, Secret as AtSecret};
    #[cfg(feature = "kube")]
    watch::register(registry)?;
    registry
        .register(source_names::SECRET_REQUEST, |settings: &RequestSettings, _: &PluginContext| {
            let source = SecretRequestSource::default();
            match settings.key_names.clone() {
                Some(names) => source.with_key_names(names),
                None => Ok(source),
            }
        })?
        .only_at([AtSecret])
        .check(|settings| check_names(settings.key_names.as_ref()));
    registry
        .register(
            source_names::SECRET_DIRECTORY,
            |settings: &SecretDirectorySettings, _: &PluginContext| {
                SecretDirectorySource::new(settings.clone())
            },
        )?
        .only_at([AtDriver, AtSecret])
        .always_answers()
        .check(|settings| check_names(settings.key_names.as_ref()));
    registry
        .register(source_names::SECRET_ENVIRONMENT, |_: &NoSettings, context: &PluginContext| {
            Ok(plugins::secret_environment::source(context))
        })?
        .only_at([AtDriver, AtSecret]);
    Ok(())
}

fn check_names(names: Option<&KeyNames>) -> Result<(), Failure> {
    names.map_or(Ok(()), KeyNames::check)
}
