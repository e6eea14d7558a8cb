//! From a context to credentials in hand: level, chain, region, delivery and, where keys are needed, the exchange.

mod scoping;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use s3_credential_core::{
    Attempt, AuthenticationLevel, Clock, CredentialForm, Delivery, ErrorKind, ExchangeRequest,
    Failure, FormKind, KeyExchange, Keys, ProvideContext, RegionAnswer, RegionChain,
    ResolvedRegion, SourceChain, SourceError, SourcedForm, VolumeScope, resolver_names,
};

use crate::error::ProvideError;
use crate::identity::Identity;
use crate::settings::Settings;

/// The plug-ins, wired.
#[derive(Debug)]
pub(crate) struct Wiring {
    pub(crate) driver: SourceChain,
    pub(crate) pod: SourceChain,
    pub(crate) secret: SourceChain,
    pub(crate) region: RegionChain,
    pub(crate) exchanges: HashMap<FormKind, Arc<dyn KeyExchange>>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Credentials in hand, before anything is written.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    /// What the source gave is whose.
    pub(crate) identity: Identity,
    /// What is delivered: the source's form, or keys that it was exchanged for.
    pub(crate) form: CredentialForm,
    pub(crate) delivery: Delivery,
    pub(crate) region: Option<ResolvedRegion>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) region_attempts: Vec<Attempt>,
}

impl Wiring {
    pub(crate) fn chain(&self, level: AuthenticationLevel) -> &SourceChain {
        match level {
            AuthenticationLevel::Driver => &self.driver,
            AuthenticationLevel::Pod => &self.pod,
            AuthenticationLevel::Secret => &self.secret,
        }
    }

    /// The names of the sources that can tell of changes.
    pub(crate) fn sources_that_tell_of_changes(&self) -> HashSet<String> {
        let sources =
            AuthenticationLevel::ALL.into_iter().flat_map(|level| self.chain(level).sources());
        sources
            .filter(|source| source.changes().is_some())
            .map(|source| source.name().to_owned())
            .collect()
    }

    /// Asks the level's chain, and readies what it gives for delivery.
    pub(crate) async fn prepare(
        &self,
        settings: &Settings,
        context: &ProvideContext,
    ) -> Result<Prepared, ProvideError> {
        let scope = scoping::scope_of(settings, context)?;
        if context.is_anonymous() {
            return Ok(self.anonymous(context).await);
        }
        refuse_ephemeral(settings, context)?;
        let chain = self.chain(context.level());
        let (answer, region) = tokio::join!(
            chain.provide(&*self.clock, context),
            self.region.resolve(&*self.clock, context)
        );
        let told = |failure| ProvideError {
            failure,
            attempts: answer.attempts.clone(),
            region_attempts: region.attempts.clone(),
        };
        let sourced = answer.result.map_err(told)?;
        if scope.is_some() {
            scoping::check_delivery(settings, context, &sourced.form).map_err(told)?;
        }
        let ready = self.ready(settings, context, &sourced, &region, scope).await.map_err(told)?;
        Ok(ready.with_attempts(&answer.attempts, &region))
    }

    /// Asks only the source of this identity, for the role and the scope that it has: what a refresh of a live lease does when the chain would
    /// no longer come to the same end. Nothing if that source no longer applies.
    pub(crate) async fn prepare_again(
        &self,
        settings: &Settings,
        context: &ProvideContext,
        identity: &Identity,
    ) -> Result<Option<Prepared>, Failure> {
        if !identity.is_on_behalf_of(context) {
            return Ok(None);
        }
        let chain = self.chain(context.level());
        let Some(source) = identity.source.as_deref().and_then(|name| chain.source(name)) else {
            return Ok(None);
        };
        let context = match identity.role() {
            Some(role) => context.with_role_arn(role),
            None => context.clone(),
        };
        let form = match source.provide(&context).await {
            Ok(form) => form,
            Err(SourceError::Failed(failure)) => return Err(failure),
            Err(_) => return Ok(None),
        };
        let sourced = SourcedForm { source: source.name().to_owned(), form };
        let scope = identity.scope.clone();
        if Identity::of(&context, &sourced, scope.clone()) != *identity {
            return Ok(None);
        }
        let region = self.region.resolve(&*self.clock, &context).await;
        let ready = self.ready(settings, &context, &sourced, &region, scope).await?;
        Ok(Some(ready.with_attempts(&[], &region)))
    }

    /// Exchanged keys, whatever the delivery.
    pub(crate) async fn keys(
        &self,
        settings: &Settings,
        context: &ProvideContext,
    ) -> Result<Keys, ProvideError> {
        let settings = Settings { delivery: Some(Delivery::Endpoint), ..settings.clone() };
        let prepared = self.prepare(&settings, context).await?;
        match &prepared.form {
            CredentialForm::Keys(keys) => Ok(keys.clone()),
            form => Err(prepared.error(Failure::new(
                ErrorKind::UnsupportedDelivery,
                format!("credentials in the form {} are not keys", form.kind()),
            ))),
        }
    }

    async fn anonymous(&self, context: &ProvideContext) -> Prepared {
        let region = self.region.resolve(&*self.clock, context).await;
        Prepared {
            identity: Identity::anonymous(context),
            form: CredentialForm::Anonymous,
            delivery: Delivery::None,
            region: region.result.ok(),
            attempts: Vec::new(),
            region_attempts: region.attempts,
        }
    }

    async fn ready(
        &self,
        settings: &Settings,
        context: &ProvideContext,
        sourced: &SourcedForm,
        answer: &RegionAnswer,
        scope: Option<VolumeScope>,
    ) -> Result<Prepared, Failure> {
        if scope.is_some() {
            scoping::check_form(&sourced.form)?;
        }
        let region = region_for(sourced, answer);
        let calls_sts = sourced.form.kind() == FormKind::WebIdentity;
        // A wrong region is refused whoever would use it; no region at all only where STS is called.
        let region = match region {
            Ok(region) => Some(region),
            Err(failure) if calls_sts || failure.kind() == ErrorKind::InvalidRegion => {
                return Err(failure);
            }
            Err(_) => None,
        };
        let delivery = match scope {
            Some(_) => scoping::delivery_of(settings, context, &sourced.form),
            None => settings.delivery_of(context.target().kind, &sourced.form),
        };
        // An instance profile is Mountpoint's own to ask for, unless keys were asked for by name.
        let nothing_to_hand_over =
            sourced.form.kind() == FormKind::InstanceProfile && !delivery.needs_keys();
        let delivery = if nothing_to_hand_over { Delivery::None } else { delivery };
        let as_it_is = matches!(
            (sourced.form.kind(), delivery),
            (FormKind::Keys, _) | (FormKind::Profile, Delivery::Profile)
        );
        let form = if delivery.needs_keys() && !as_it_is {
            CredentialForm::Keys(
                self.exchange(&sourced.form, region.as_ref(), scope.as_ref()).await?,
            )
        } else {
            sourced.form.clone()
        };
        Ok(Prepared {
            identity: Identity::of(context, sourced, scope),
            form,
            delivery,
            region,
            attempts: Vec::new(),
            region_attempts: Vec::new(),
        })
    }

    async fn exchange(
        &self,
        form: &CredentialForm,
        region: Option<&ResolvedRegion>,
        scope: Option<&VolumeScope>,
    ) -> Result<Keys, Failure> {
        let exchange = self.exchanges.get(&form.kind()).ok_or_else(|| {
            Failure::new(
                ErrorKind::UnsupportedDelivery,
                format!(
                    "credentials in the form {} cannot be exchanged for keys here",
                    form.kind()
                ),
            )
        })?;
        let region = region.map(|resolved| resolved.region.clone());
        let policy = match (scope, &region) {
            (Some(scope), Some(region)) => Some(scope.session_policy(region.partition())?),
            (Some(_), None) => return Err(no_partition()),
            (None, _) => None,
        };
        let request = ExchangeRequest { region, policy, duration: None };
        exchange.exchange(form, &request).await
    }
}

impl Prepared {
    /// An error that comes after the preparation, with what was said during it.
    pub(crate) fn error(&self, failure: Failure) -> ProvideError {
        ProvideError {
            failure,
            attempts: self.attempts.clone(),
            region_attempts: self.region_attempts.clone(),
        }
    }

    fn with_attempts(self, attempts: &[Attempt], region: &RegionAnswer) -> Self {
        Self { attempts: attempts.to_vec(), region_attempts: region.attempts.clone(), ..self }
    }
}

/// A policy is for resources of a partition, which only a region tells.
fn no_partition() -> Failure {
    Failure::new(
        ErrorKind::NoRegion,
        "no AWS region is known, which the session policy of the volume needs",
    )
    .with_help("set the volume attribute `stsRegion`, or AWS_REGION for the driver")
}

/// A region that came with the credentials goes before what the machine says, and after what the volume itself says.
fn region_for(sourced: &SourcedForm, answer: &RegionAnswer) -> Result<ResolvedRegion, Failure> {
    let own = match &sourced.form {
        CredentialForm::Keys(keys) => keys.region.clone(),
        CredentialForm::WebIdentity(identity) => identity.region.clone(),
        _ => None,
    };
    match (&answer.result, own) {
        (Ok(resolved), Some(_))
            if [resolver_names::VOLUME_CONTEXT, resolver_names::MOUNT_OPTIONS]
                .contains(&resolved.resolver.as_str()) =>
        {
            Ok(resolved.clone())
        }
        (_, Some(region)) => Ok(ResolvedRegion { region, resolver: sourced.source.clone() }),
        (result, None) => result.clone(),
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
