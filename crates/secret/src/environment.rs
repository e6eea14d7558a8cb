//! `secret-environment`: the driver's own variables.

use std::borrow::Cow;

use async_trait::async_trait;
use s3_credential_core::{
    CredentialForm, CredentialSource, Environment, ProvideContext, SourceError, names, source_names,
};

use crate::keys::{Values, in_variables};
use crate::level::not_for_pods;

const PLACE: &str = "the driver's environment";
const HELP: &str =
    "see the Secret from which the driver's container takes its variables (`secretKeyRef`)";

/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and perhaps `AWS_SESSION_TOKEN` of the driver's
/// environment.
///
/// # Guarantees
/// What the environment had at the start of the process: a rotated Secret counts after a restart.
/// Use `secret-watch` or `secret-directory` for keys that rotate.
///
/// # Errors
/// Not applicable where none of the variables is set, and at pod level. `misconfigured` where only
/// some are; `invalid-secret` where a value could not be carried.
#[derive(Debug, Clone)]
pub struct SecretEnvironmentSource {
    name: Cow<'static, str>,
    values: Values,
}

impl SecretEnvironmentSource {
    /// Makes the source for a driver with this environment.
    pub fn new(environment: &Environment) -> Self {
        let variables =
            [names::AWS_ACCESS_KEY_ID, names::AWS_SECRET_ACCESS_KEY, names::AWS_SESSION_TOKEN];
        let value = |name: &str| Some((name.to_owned(), environment.secret(name)?));
        Self {
            name: source_names::SECRET_ENVIRONMENT.into(),
            values: variables.into_iter().filter_map(value).collect(),
        }
    }

    /// Sets its name in chains.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self { name: Cow::Owned(name.into()), ..self }
    }
}

#[async_trait]
impl CredentialSource for SecretEnvironmentSource {
    fn name(&self) -> &str {
        &self.name
    }

    async fn provide(&self, context: &ProvideContext) -> Result<CredentialForm, SourceError> {
        not_for_pods(context)?;
        let keys = in_variables(PLACE, &self.values).map_err(|failure| {
            let help = format!("{}; {HELP}", failure.help());
            failure.with_help(help)
        })?;
        keys.map(CredentialForm::Keys).ok_or_else(|| {
            SourceError::not_applicable(
                "neither AWS_ACCESS_KEY_ID nor AWS_SECRET_ACCESS_KEY is set for the driver",
            )
        })
    }
}
