//! The calls that never write: what `provide` would do and why, the region alone, and the keys
//! alone.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use s3_credential_core::{
    AuthenticationLevel, Delivery, Failure, FormKind, Keys, ProvideContext, RegionAnswer,
};
use tokio::runtime::Handle;

use super::provide::RepublishDecision;
use super::provided::{Provided, kept, provided_files};
use crate::cache::CachedKeys;
use crate::error::ProvideError;
use crate::lease::{LeaseKey, LeaseRecord};
use crate::provider::Provider;
use crate::resolve::Resolved;

/// What `provide` would do, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// What it would answer.
    pub provided: Provided,
    /// Why.
    pub reasons: Reasons,
}

/// Why it would be so, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reasons {
    /// Why this authentication level.
    pub level: &'static str,
    /// The origin of the role, where there is one and its source knows it.
    pub role: Option<String>,
    /// Why this delivery.
    pub delivery: String,
    /// When it is renewed, and by whom.
    pub refresh: String,
}

impl Reasons {
    /// Why a volume has its authentication level.
    pub fn of_level(context: &ProvideContext) -> &'static str {
        Self::of_named_level(context.names_level())
    }

    /// Why a volume has its authentication level, by whether it names one.
    pub fn of_named_level(names_level: bool) -> &'static str {
        if names_level {
            "the volume attribute `authenticationSource`"
        } else {
            "the default, as the volume attribute `authenticationSource` is not set"
        }
    }
}

impl Provider {
    /// Decides as `provide` of the volume would, and fails as it would, but never writes. A live
    /// lease is known by its holder also where the context has no write path.
    pub async fn explain(&self, context: &ProvideContext) -> Result<Explanation, ProvideError> {
        let live = match context.target().mounted {
            Some(false) => None,
            _ => self.live_lease(context)?,
        };
        let is_mounted = context.target().mounted == Some(true) || live.is_some();
        let explained = match &live {
            Some(live) => self.explain_republish(context, live).await,
            None => self.explain_publish(context).await,
        };
        if is_mounted { explained.map_err(ProvideError::of_live_lease) } else { explained }
    }

    fn live_lease(&self, context: &ProvideContext) -> Result<Option<LeaseRecord>, Failure> {
        let found = match self.journal.read_named(&LeaseKey::of(context).name)? {
            None => self.journal.find(context.volume_id(), context.target_path())?,
            found => found,
        };
        Ok(found.filter(LeaseRecord::is_live))
    }

    async fn explain_publish(&self, context: &ProvideContext) -> Result<Explanation, ProvideError> {
        let key = LeaseKey::of(context);
        let resolved = self.resolve(context, self.deadline()).await?;
        self.check_life(&resolved).map_err(|failure| resolved.error(failure))?;
        self.explained(context, &key, resolved, None)
    }

    async fn explain_republish(
        &self,
        context: &ProvideContext,
        live: &LeaseRecord,
    ) -> Result<Explanation, ProvideError> {
        let key = LeaseKey::of_record(live);
        match self.decide(context, &key, live, self.deadline()).await? {
            RepublishDecision::Deliver { resolved, identity_changed } => {
                let mut explained = self.explained(context, &key, resolved, Some(live))?;
                explained.provided.identity_changed = identity_changed;
                Ok(explained)
            }
            RepublishDecision::Keep(other) => {
                let reasons = Reasons {
                    level: Reasons::of_level(context),
                    role: None,
                    delivery: "the mounted volume keeps what it has".to_owned(),
                    refresh: "not while the source of what it has does not apply".to_owned(),
                };
                Ok(Explanation { provided: kept(live, context, &key, other), reasons })
            }
        }
    }

    fn explained(
        &self,
        context: &ProvideContext,
        key: &LeaseKey,
        resolved: Resolved,
        live: Option<&LeaseRecord>,
    ) -> Result<Explanation, ProvideError> {
        let plan = self.plan(context, key, &resolved).map_err(|failure| resolved.error(failure))?;
        let record = self.record(context, key, &resolved, &plan, &[], live);
        let reasons = Reasons {
            level: Reasons::of_level(context),
            role: resolved.role_origin.as_deref().map(str::to_owned),
            delivery: self.why_delivered_so(context, &resolved),
            refresh: self.why_refreshed_then(context, &resolved, &record),
        };
        let provided = Provided {
            level: context.level(),
            identity: resolved.identity,
            delivery: plan.delivery,
            region: resolved.region,
            environment: plan.environment,
            files: provided_files(&record, &key.env_directory(context)),
            expires_at: record.expires_at,
            refresh_at: record.refresh_at,
            attempts: resolved.attempts,
            region_attempts: resolved.region_attempts,
            identity_changed: false,
            warnings: resolved.warnings,
        };
        Ok(Explanation { provided, reasons })
    }

    fn why_delivered_so(&self, context: &ProvideContext, resolved: &Resolved) -> String {
        let (kind, given, delivery) = (context.target().kind, resolved.given, resolved.delivery);
        let configured = self.settings.deliveries.of(kind, given);
        match given {
            FormKind::Anonymous => "the mount option `--no-sign-request`".to_owned(),
            _ if resolved.identity.scope.is_some() => {
                "`scope: volume` needs keys that are narrowed to the volume".to_owned()
            }
            _ if self.settings.delivery == Some(delivery) => {
                "chosen for every volume (`--delivery`)".to_owned()
            }
            _ if configured == Some(delivery) => {
                format!("configured for the form {given} (`delivery.{}.{given}`)", kind.as_str())
            }
            FormKind::InstanceProfile => "Mountpoint asks IMDS itself".to_owned(),
            FormKind::WebIdentity if delivery == Delivery::Profile => {
                "the source asks STS for more than Mountpoint can".to_owned()
            }
            _ => format!("the default for the form {given}"),
        }
    }

    fn why_refreshed_then(
        &self,
        context: &ProvideContext,
        resolved: &Resolved,
        record: &LeaseRecord,
    ) -> String {
        let rotation = &self.settings.rotation;
        if record.refresh_at.is_none() {
            return match (resolved.given, resolved.delivery) {
                (FormKind::InstanceProfile, Delivery::None) => "Mountpoint renews them itself",
                (FormKind::Anonymous, _) => "there are no credentials to renew",
                (_, Delivery::Environment) => {
                    "never: a running Mountpoint does not see a changed variable"
                }
                _ => "it has no end: a republish, or a change that its source sees, replaces it",
            }
            .to_owned();
        }
        let when = match resolved.delivery {
            Delivery::Profile => {
                format!(
                    "{} before the keys end (`rotation.profileMargin`)",
                    text(rotation.profile_margin)
                )
            }
            Delivery::Endpoint => {
                format!(
                    "{} before the keys end (`rotation.endpointMargin`)",
                    text(rotation.endpoint_margin)
                )
            }
            _ => format!(
                "after {} % of the token's life (`rotation.tokenLifePercent`)",
                rotation.token_life_percent
            ),
        };
        if context.level() == AuthenticationLevel::Pod {
            format!(
                "{when}; a newer token comes with a republish (`requiresRepublish: true` in the CSIDriver object)"
            )
        } else {
            when
        }
    }

    /// The region for a volume, and what each resolver said.
    pub async fn region(&self, context: &ProvideContext) -> RegionAnswer {
        self.resolver.region.resolve(&*self.resolver.clock, context).await
    }

    /// Keys for a volume: what its chain gives, exchanged where it is not keys already.
    pub async fn credentials(&self, context: &ProvideContext) -> Result<Keys, ProvideError> {
        self.deadline().limit(self.resolver.keys(&self.settings, context)).await
    }

    /// Returns the same keys in a cache: fetched at the first call and kept fresh while they are
    /// read, by the settings of the cache. To be called within a tokio runtime.
    pub fn cached_keys(&self, context: &ProvideContext) -> CachedKeys {
        let (provider, context) = (self.clone(), context.clone());
        let fetch = move || {
            let (provider, context) = (provider.clone(), context.clone());
            async move { provider.credentials(&context).await.map_err(|error| error.failure) }
        };
        CachedKeys::builder(fetch)
            .settings(self.settings.rotation.cache.clone())
            .clock(Arc::clone(&self.resolver.clock))
            .build(Handle::current())
    }
}

/// `20m`
fn text(duration: Duration) -> String {
    SignedDuration::try_from(duration).map_or_else(|_| "long".to_owned(), |it| format!("{it:#}"))
}
