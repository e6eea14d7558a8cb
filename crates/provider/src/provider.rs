//! The provider: plug-ins, settings and the journal, held together.

use std::sync::Arc;
#[cfg(feature = "endpoint")]
use std::sync::OnceLock;

use s3_credential_core::{Environment, ProvideContext};
use tokio::sync::broadcast;

use crate::builder::ProviderBuilder;
use crate::deadline::Deadline;
use crate::endpoint::Checkpoint;
#[cfg(feature = "endpoint")]
use crate::endpoint::EndpointServer;
use crate::error::ProvideError;
use crate::lease::Journal;
use crate::lease::LeaseTable;
use crate::lease::RecordedRegion;
use crate::lease::VolumeLocks;
use crate::lease::{LeaseKey, LeaseRecord};
#[cfg(feature = "doctor")]
use crate::plugins::Services;
use crate::resolve::{PinnedIdentity, Resolved, Resolver};
use crate::rotation::CircuitBreaker;
use crate::rotation::Event;
use crate::running::Started;
use crate::settings::Settings;

/// Decides, delivers, keeps and removes the credentials of S3 volumes. Cheap to clone; all clones
/// are one provider.
#[derive(Debug, Clone)]
pub struct Provider {
    pub(crate) resolver: Arc<Resolver>,
    #[cfg(feature = "doctor")]
    pub(crate) services: Arc<Services>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) environment: Environment,
    pub(crate) journal: Journal,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) locks: Arc<VolumeLocks>,
    pub(crate) circuit_breaker: Arc<CircuitBreaker>,
    pub(crate) leases: Arc<LeaseTable>,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) started: Started,
    /// Empty until the endpoint is served.
    #[cfg(feature = "endpoint")]
    pub(crate) served: Arc<OnceLock<EndpointServer>>,
}

impl Provider {
    /// A provider with the default chains, to be changed piece by piece.
    pub fn builder() -> ProviderBuilder {
        ProviderBuilder::default()
    }

    /// What the first publish of a volume delivers.
    pub(crate) async fn resolve(
        &self,
        context: &ProvideContext,
        deadline: Deadline,
    ) -> Result<Resolved, ProvideError> {
        deadline
            .limit(async {
                let chosen = self.resolver.select(&self.settings, context).await?;
                self.resolver.materialize(&self.settings, context, chosen, None).await
            })
            .await
    }

    /// Returns what a refresh of a lease delivers; `None` if its source no longer applies.
    pub(crate) async fn renew(
        &self,
        context: &ProvideContext,
        key: &LeaseKey,
        live: &LeaseRecord,
        deadline: Deadline,
    ) -> Result<Option<Resolved>, ProvideError> {
        deadline
            .limit(async {
                let Some(chosen) = self.resolver.select_pinned(context, &live.identity).await?
                else {
                    return Ok(None);
                };
                let held = self.held(key, live);
                self.resolver
                    .materialize(&self.settings, context, chosen, Some(&held))
                    .await
                    .map(Some)
            })
            .await
    }

    /// What a lease has.
    pub(crate) fn held(&self, key: &LeaseKey, live: &LeaseRecord) -> PinnedIdentity {
        // Another process may have renewed the lease since.
        let known =
            self.leases.get(&key.name).filter(|lease| lease.record.expires_at == live.expires_at);
        PinnedIdentity {
            delivery: live.delivery(),
            exchange: known.and_then(|lease| lease.exchange),
            region: live.region.as_ref().and_then(RecordedRegion::resolved),
        }
    }
}
