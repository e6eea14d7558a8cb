//! The selection of a volume's credentials: level, chain and scope.

use s3_credential_core::{
    AuthenticationLevel, CredentialForm, ErrorKind, Failure, ProvideContext, SourceError,
    SourcedForm, catch_panic,
};

use super::scope::{check_delivery, has_keys_of_its_own, scope_of};
use super::{Resolver, Selected};
use crate::error::ProvideError;
use crate::identity::Identity;
use crate::settings::Settings;

impl Resolver {
    /// Asks the level's chain.
    pub(crate) async fn select(
        &self,
        settings: &Settings,
        context: &ProvideContext,
    ) -> Result<Selected, ProvideError> {
        let scope = scope_of(settings, context);
        if context.is_anonymous() {
            scope?;
            return Ok(Selected {
                identity: Identity::anonymous(context),
                form: CredentialForm::Anonymous,
                attempts: Vec::new(),
                region: self.region.resolve(&*self.clock, context).await,
            });
        }
        // A volume with keys of its own needs no scope, so what its definition says of one is no
        // error yet.
        let scope = match (scope, context.level()) {
            (Err(_), AuthenticationLevel::Secret) => None,
            (scope, _) => Some(scope?),
        };
        refuse_ephemeral(settings, context)?;
        let chain = self.chain(context.level());
        // At driver level an inline volume is refused by now, or the configuration allows it.
        let from_request = context.is_ephemeral() && context.level() != AuthenticationLevel::Driver;
        let sources = async {
            if from_request {
                chain.provide_from_request(&*self.clock, context).await
            } else {
                chain.provide(&*self.clock, context).await
            }
        };
        let (answer, region) = tokio::join!(sources, self.region.resolve(&*self.clock, context));
        let failed = |failure| ProvideError {
            failure,
            attempts: answer.attempts.clone(),
            region_attempts: region.attempts.clone(),
        };
        let sourced = answer.result.map_err(failed)?;
        let scope = match scope {
            _ if has_keys_of_its_own(context, &sourced.form) => None,
            Some(scope) => scope,
            None => scope_of(settings, context).map_err(failed)?,
        };
        if scope.is_some() {
            check_delivery(settings, context, &sourced.form).map_err(failed)?;
        }
        let identity = Identity::of(context, &sourced, scope);
        Ok(Selected { identity, form: sourced.form, attempts: answer.attempts, region })
    }

    /// Asks only the source of this identity, for the roles, policies and scope that it has: how a
    /// live lease is renewed when the chain would now select another identity. `None` if that
    /// source no longer applies.
    pub(crate) async fn select_pinned(
        &self,
        context: &ProvideContext,
        identity: &Identity,
    ) -> Result<Option<Selected>, Failure> {
        if !identity.is_on_behalf_of(context) {
            return Ok(None);
        }
        let source = identity.source.as_deref();
        let Some(source) = source.and_then(|name| self.pinned_source(context.level(), name)) else {
            return Ok(None);
        };
        let context = match &identity.role_arn {
            Some(role) => context.with_pinned_role(role.clone()),
            None => context.clone(),
        };
        let form = match catch_panic(async { source.provide(&context).await }).await {
            Ok(form) => identity.pin(form),
            Err(SourceError::Failed(failure)) => return Err(failure),
            Err(_) => return Ok(None),
        };
        let sourced = SourcedForm { source: source.name().to_owned(), form };
        if Identity::of(&context, &sourced, identity.scope.clone()) != *identity {
            return Ok(None);
        }
        let region = self.region.resolve(&*self.clock, &context).await;
        let (identity, form) = (identity.clone(), sourced.form);
        Ok(Some(Selected { identity, form, attempts: Vec::new(), region }))
    }
}

/// An inline volume is written by a tenant, who would help himself to the driver's credentials.
fn refuse_ephemeral(settings: &Settings, context: &ProvideContext) -> Result<(), Failure> {
    if context.is_ephemeral()
        && context.level() == AuthenticationLevel::Driver
        && !settings.allow_ephemeral_driver_level
    {
        return Err(Failure::new(
            ErrorKind::PermissionDenied,
            "an inline (ephemeral) volume may not use the driver's own credentials",
        )
        .with_help("set `authenticationSource: pod` on the volume, or allow it with `allowEphemeralDriverLevel` in the driver's configuration"));
    }
    Ok(())
}
