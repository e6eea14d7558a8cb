//! From what a source gave to what is delivered: region, delivery and, where keys are needed, the
//! exchange.

use std::sync::Arc;

use s3_credential_core::{
    CredentialForm, Delivery, ErrorKind, ExchangeRequest, Failure, FormKind, Keys, ProvideContext,
    RegionAnswer, ResolvedRegion, TokenAge, Warning, WarningKind, catch_panic, resolver_names,
};

use super::scope::{check_form, delivery_of, is_left_unscoped};
use super::{Exchange, PinnedIdentity, Resolved, Resolver, Selected, delegation};
use crate::error::ProvideError;
use crate::identity::Identity;
use crate::metrics::Cache;
use crate::rotation::Service;
use crate::settings::Settings;

impl Resolver {
    /// Exchanged keys, whatever the delivery.
    pub(crate) async fn keys(
        &self,
        settings: &Settings,
        context: &ProvideContext,
    ) -> Result<Keys, ProvideError> {
        let settings = Settings { delivery: Some(Delivery::Endpoint), ..settings.clone() };
        let chosen = self.select(&settings, context).await?;
        let resolved = self.materialize(&settings, context, chosen, None).await?;
        match &resolved.form {
            CredentialForm::Keys(keys) => Ok(keys.clone()),
            form => Err(resolved.error(Failure::new(
                ErrorKind::UnsupportedDelivery,
                format!("credentials in the form {} are not keys", form.kind()),
            ))),
        }
    }

    /// Readies what was chosen for delivery: the way that it goes, and the keys where keys are what
    /// is delivered.
    pub(crate) async fn materialize(
        &self,
        settings: &Settings,
        context: &ProvideContext,
        chosen: Selected,
        held: Option<&PinnedIdentity>,
    ) -> Result<Resolved, ProvideError> {
        let materialized = self.materialized(settings, context, &chosen, held).await;
        let Selected {
            identity,
            form: given,
            attempts,
            region: RegionAnswer { attempts: region_attempts, .. },
        } = chosen;
        match materialized {
            Ok(Materialized { form, exchange, delivery, region, warnings }) => Ok(Resolved {
                warnings: context.warnings().iter().cloned().chain(warnings).collect(),
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

    async fn materialized(
        &self,
        settings: &Settings,
        context: &ProvideContext,
        chosen: &Selected,
        held: Option<&PinnedIdentity>,
    ) -> Result<Materialized, Failure> {
        let Selected { form, identity, .. } = chosen;
        if identity.scope.is_some() {
            check_form(form)?;
        }
        let form = &held.map_or_else(|| form.clone(), |held| held.deliverable(form));
        let region = region_of(chosen, held);
        if form.kind() == FormKind::Anonymous {
            let (form, delivery) = (form.clone(), Delivery::None);
            let region = region.ok();
            return Ok(Materialized {
                form,
                exchange: None,
                delivery,
                region,
                warnings: Vec::new(),
            });
        }
        // A wrong region is always refused; a missing one only where STS is called.
        let region = match region {
            Ok(region) => Some(region),
            Err(failure)
                if (form.kind() == FormKind::WebIdentity
                    && held.is_none_or(|held| held.delivery.needs_keys()))
                    || failure.kind() == ErrorKind::InvalidRegion =>
            {
                return Err(failure);
            }
            Err(_) => None,
        };
        let mut warnings = Vec::new();
        if is_left_unscoped(settings, context, form) {
            let message = "`scope: volume` does not narrow the keys of the volume's own Secret: they may do what their owner allows";
            warnings.push(Warning::new(WarningKind::Scope, message));
        }
        if let (CredentialForm::WebIdentity(web_identity), None, Some(resolved)) =
            (form, held, &region)
        {
            delegation::check_names(&self.environment, web_identity, resolved)?;
        }
        let delivery =
            self.delivery(settings, context, chosen, held, form, region.as_ref(), &mut warnings)?;
        // An instance profile is Mountpoint's own to ask for, unless keys were asked for by name.
        let is_left_to_mountpoint =
            form.kind() == FormKind::InstanceProfile && !delivery.needs_keys();
        let delivery = if is_left_to_mountpoint { Delivery::None } else { delivery };
        let is_unchanged = matches!(
            (form.kind(), delivery),
            (FormKind::Keys, _) | (FormKind::Profile, Delivery::Profile)
        );
        // Keys go not only into a plan: the SDK, a caller and the endpoint's clients get them as
        // well.
        if let CredentialForm::Keys(keys) = form {
            keys.check_given()?;
        }
        if is_unchanged || !delivery.needs_keys() {
            return Ok(Materialized {
                form: form.clone(),
                exchange: None,
                delivery,
                region,
                warnings,
            });
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
        // The refreshes of live leases consult the circuit breaker themselves.
        let service = held.is_none().then(|| Service::of_publish(identity, region.as_ref()));
        let exchange = match held.and_then(|held| held.exchange.clone()).filter(is_fresh) {
            Some(exchange) => exchange,
            None => self.exchange(form, region.as_ref(), identity, service, is_fresh).await?,
        };
        let form = CredentialForm::Keys(exchange.keys.clone());
        Ok(Materialized { form, exchange: Some(exchange), delivery, region, warnings })
    }

    /// How the form reaches Mountpoint: a live mount keeps its way.
    #[allow(clippy::too_many_arguments, reason = "one decision, of all that is known by now")]
    fn delivery(
        &self,
        settings: &Settings,
        context: &ProvideContext,
        chosen: &Selected,
        held: Option<&PinnedIdentity>,
        form: &CredentialForm,
        region: Option<&ResolvedRegion>,
        warnings: &mut Vec<Warning>,
    ) -> Result<Delivery, Failure> {
        let is_token = form.kind() == FormKind::WebIdentity;
        if let Some(held) = held {
            if held.delivery == Delivery::Delegated && is_token {
                warnings.extend(delegation::warning(&self.environment, settings, region));
            }
            return Ok(held.delivery);
        }
        if chosen.identity.scope.is_some() {
            return Ok(delivery_of(settings, context, form));
        }
        if !is_token {
            return Ok(settings.delivery_of(context.target().kind, form));
        }
        let (delivery, warning) = delegation::delivery(
            &self.environment,
            settings,
            settings.chosen_delivery(context.target().kind, form),
            Delivery::default_for(form),
            region,
        )?;
        warnings.extend(warning);
        Ok(delivery)
    }

    async fn exchange(
        &self,
        form: &CredentialForm,
        region: Option<&ResolvedRegion>,
        identity: &Identity,
        of_publish: Option<Service>,
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
        let policy = match (&identity.scope, &region) {
            (Some(scope), Some(region)) => Some(scope.session_policy(region.partition())?),
            (Some(_), None) => return Err(no_partition()),
            (None, _) => None,
        };
        let request = ExchangeRequest { region, policy, duration: None };
        let exchanged = self.exchanged.find(form, &request).filter(is_fresh);
        self.metrics.looked_up(Cache::Exchange, exchanged.is_some());
        if let Some(exchanged) = exchanged {
            return Ok(exchanged);
        }
        let asking = async {
            let started = self.clock.elapsed();
            let keys = catch_panic(async { exchange.exchange(form, &request).await }).await;
            let took = self.clock.elapsed().saturating_sub(started);
            self.metrics.exchanged(form.kind(), took, keys.as_ref().err().map(Failure::kind));
            keys
        };
        let keys = match of_publish {
            Some(service) => {
                self.admit_exchange(&service)?;
                let exchanged = asking.await;
                self.report_exchange(&service, &exchanged);
                exchanged?
            }
            None => asking.await?,
        };
        keys.check_given()?;
        keys.check_current(self.clock.now())?;
        Ok(self.exchanged.insert(form.clone(), request, keys))
    }
}

/// What `ready` adds to what was chosen.
struct Materialized {
    form: CredentialForm,
    exchange: Option<Arc<Exchange>>,
    delivery: Delivery,
    region: Option<ResolvedRegion>,
    warnings: Vec<Warning>,
}

/// A policy names resources of a partition, which only a region determines.
fn no_partition() -> Failure {
    Failure::new(
        ErrorKind::NoRegion,
        "no AWS region is known, which the session policy of the volume needs",
    )
    .with_help("set the volume attribute `stsRegion`, or AWS_REGION for the driver")
}

/// Returns the region of a publish. A live mount has its region already, and does not need one that
/// IMDS no longer returns.
fn region_of(chosen: &Selected, held: Option<&PinnedIdentity>) -> Result<ResolvedRegion, Failure> {
    match (region_for(chosen), held.and_then(|held| held.region.clone())) {
        (Err(failure), Some(region)) if failure.kind() != ErrorKind::InvalidRegion => Ok(region),
        (region, _) => region,
    }
}

/// A region that came with the credentials goes before what the machine says, and after what the
/// volume itself says.
fn region_for(chosen: &Selected) -> Result<ResolvedRegion, Failure> {
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
