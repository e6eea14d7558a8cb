//! From a context to credentials in hand: level, chain, region, delivery and, where keys are needed, the exchange.

mod scoping;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use s3_credential_core::{
    Attempt, AuthenticationLevel, Clock, CredentialForm, Delivery, ErrorKind, ExchangeRequest,
    Failure, FormKind, KeyExchange, Keys, ProvideContext, RegionAnswer, RegionChain,
    ResolvedRegion, SourceChain, SourceError, SourcedForm, TokenAge, VolumeScope, resolver_names,
};

use crate::error::ProvideError;
use crate::exchanged::{Exchange, Exchanges};
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
    /// What was exchanged for the leases that there are.
    pub(crate) exchanged: Exchanges,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Whose credentials a volume gets, and what its source gives.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) identity: Identity,
    pub(crate) form: CredentialForm,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) region: RegionAnswer,
}

/// What a live lease has, and a refresh of it keeps to.
#[derive(Debug)]
pub(crate) struct Held {
    /// A running Mountpoint reads credentials in the way in which it was started, whatever is configured now.
    pub(crate) delivery: Delivery,
    /// What its keys were exchanged for; need not be done again as long as they are fresh.
    pub(crate) exchange: Option<Arc<Exchange>>,
}

/// Credentials in hand, before anything is written.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    /// What the source gave is whose.
    pub(crate) identity: Identity,
    /// The form that the source gave.
    pub(crate) given: FormKind,
    /// What is delivered: the source's form, or keys that it was exchanged for.
    pub(crate) form: CredentialForm,
    /// The exchange, if there was one.
    pub(crate) exchange: Option<Arc<Exchange>>,
    pub(crate) delivery: Delivery,
    pub(crate) region: Option<ResolvedRegion>,
    /// Who named the role of a web identity, where its source tells.
    pub(crate) role_origin: Option<Cow<'static, str>>,
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

    /// Asks the level's chain.
    pub(crate) async fn choose(
        &self,
        settings: &Settings,
        context: &ProvideContext,
    ) -> Result<Chosen, ProvideError> {
        let scope = scoping::scope_of(settings, context)?;
        if context.is_anonymous() {
            return Ok(Chosen {
                identity: Identity::anonymous(context),
                form: CredentialForm::Anonymous,
                attempts: Vec::new(),
                region: self.region.resolve(&*self.clock, context).await,
            });
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
        let identity = Identity::of(context, &sourced, scope);
        Ok(Chosen { identity, form: sourced.form, attempts: answer.attempts, region })
    }

    /// Asks only the source of this identity, for the role and the scope that it has: what a refresh of a live lease does when the chain would
    /// no longer come to the same end. Nothing if that source no longer applies.
    pub(crate) async fn choose_again(
        &self,
        context: &ProvideContext,
        identity: &Identity,
    ) -> Result<Option<Chosen>, Failure> {
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
        if Identity::of(&context, &sourced, identity.scope.clone()) != *identity {
            return Ok(None);
        }
        let region = self.region.resolve(&*self.clock, &context).await;
        let (identity, form) = (identity.clone(), sourced.form);
        Ok(Some(Chosen { identity, form, attempts: Vec::new(), region }))
    }

    /// Exchanged keys, whatever the delivery.
    pub(crate) async fn keys(
        &self,
        settings: &Settings,
        context: &ProvideContext,
    ) -> Result<Keys, ProvideError> {
        let settings = Settings { delivery: Some(Delivery::Endpoint), ..settings.clone() };
        let chosen = self.choose(&settings, context).await?;
        let prepared = self.ready(&settings, context, chosen, None).await?;
        match &prepared.form {
            CredentialForm::Keys(keys) => Ok(keys.clone()),
            form => Err(prepared.error(Failure::new(
                ErrorKind::UnsupportedDelivery,
                format!("credentials in the form {} are not keys", form.kind()),
            ))),
        }
    }

    /// Readies what was chosen for delivery: the way that it goes, and the keys where keys are what is delivered.
    pub(crate) async fn ready(
        &self,
        settings: &Settings,
        context: &ProvideContext,
        chosen: Chosen,
        held: Option<&Held>,
    ) -> Result<Prepared, ProvideError> {
        let readied = self.readied(settings, context, &chosen, held).await;
        let Chosen {
            identity,
            form: given,
            attempts,
            region: RegionAnswer { attempts: region_attempts, .. },
        } = chosen;
        match readied {
            Ok(Readied { form, exchange, delivery, region }) => Ok(Prepared {
                identity,
                given: given.kind(),
                form,
                exchange,
                delivery,
                region,
                role_origin: match given {
                    CredentialForm::WebIdentity(identity) => identity.role_origin,
                    _ => None,
                },
                attempts,
                region_attempts,
            }),
            Err(failure) => Err(ProvideError { failure, attempts, region_attempts }),
        }
    }

    async fn readied(
        &self,
        settings: &Settings,
        context: &ProvideContext,
        chosen: &Chosen,
        held: Option<&Held>,
    ) -> Result<Readied, Failure> {
        let Chosen { form, identity, .. } = chosen;
        if identity.scope.is_some() {
            scoping::check_form(form)?;
        }
        let region = region_for(chosen);
        if form.kind() == FormKind::Anonymous {
            let (form, delivery) = (form.clone(), Delivery::None);
            return Ok(Readied { form, exchange: None, delivery, region: region.ok() });
        }
        // A wrong region is refused whoever would use it; no region at all only where STS is called.
        let region = match region {
            Ok(region) => Some(region),
            Err(failure)
                if form.kind() == FormKind::WebIdentity
                    || failure.kind() == ErrorKind::InvalidRegion =>
            {
                return Err(failure);
            }
            Err(_) => None,
        };
        let delivery = match (held, &identity.scope) {
            (Some(held), _) => held.delivery,
            (None, Some(_)) => scoping::delivery_of(settings, context, form),
            (None, None) => settings.delivery_of(context.target().kind, form),
        };
        // An instance profile is Mountpoint's own to ask for, unless keys were asked for by name.
        let nothing_to_hand_over =
            form.kind() == FormKind::InstanceProfile && !delivery.needs_keys();
        let delivery = if nothing_to_hand_over { Delivery::None } else { delivery };
        let as_it_is = matches!(
            (form.kind(), delivery),
            (FormKind::Keys, _) | (FormKind::Profile, Delivery::Profile)
        );
        // Not only a plan is made from keys: they are told to the SDK, to a caller and by the endpoint as well.
        if let CredentialForm::Keys(keys) = form {
            keys.check_given()?;
        }
        if as_it_is || !delivery.needs_keys() {
            return Ok(Readied { form: form.clone(), exchange: None, delivery, region });
        }
        let is_fresh = |exchange: &Arc<Exchange>| {
            let (now, expires_at) = (self.clock.now(), exchange.keys.expires_at);
            let due_at = settings.rotation.refresh_at(
                delivery,
                now,
                TokenAge { issued_at: None, expires_at },
            );
            due_at.is_some_and(|at| at > now)
        };
        let exchange = match held.and_then(|held| held.exchange.clone()).filter(is_fresh) {
            Some(exchange) => exchange,
            None => self.exchange(form, region.as_ref(), identity.scope.as_ref(), is_fresh).await?,
        };
        let form = CredentialForm::Keys(exchange.keys.clone());
        Ok(Readied { form, exchange: Some(exchange), delivery, region })
    }

    async fn exchange(
        &self,
        form: &CredentialForm,
        region: Option<&ResolvedRegion>,
        scope: Option<&VolumeScope>,
        is_fresh: impl Fn(&Arc<Exchange>) -> bool,
    ) -> Result<Arc<Exchange>, Failure> {
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
        if let Some(exchanged) = self.exchanged.find(form, &request).filter(is_fresh) {
            return Ok(exchanged);
        }
        let keys = exchange.exchange(form, &request).await?;
        keys.check_given()?;
        keys.check_current(self.clock.now())?;
        Ok(self.exchanged.insert(form.clone(), request, keys))
    }
}

/// What `ready` adds to what was chosen.
struct Readied {
    form: CredentialForm,
    exchange: Option<Arc<Exchange>>,
    delivery: Delivery,
    region: Option<ResolvedRegion>,
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
fn region_for(chosen: &Chosen) -> Result<ResolvedRegion, Failure> {
    let own = match &chosen.form {
        CredentialForm::Keys(keys) => keys.region.clone(),
        CredentialForm::WebIdentity(identity) => identity.region.clone(),
        _ => None,
    };
    match (&chosen.region.result, own) {
        (Ok(resolved), Some(_))
            if [resolver_names::VOLUME_CONTEXT, resolver_names::MOUNT_OPTIONS]
                .contains(&resolved.resolver.as_str()) =>
        {
            Ok(resolved.clone())
        }
        (_, Some(region)) => {
            let resolver = chosen.identity.source.clone().unwrap_or_default();
            Ok(ResolvedRegion { region, resolver })
        }
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
