//! What `provide` would do, the region alone, and the keys alone: nothing here writes.

use std::sync::Arc;

use s3_credential_core::{Keys, ProvideContext, RegionAnswer};
use tokio::runtime::Handle;

use crate::cache::CachedKeys;
use crate::deliver::{env_directory, provided_files};
use crate::error::ProvideError;
use crate::lease::LeaseKey;
use crate::provided::Provided;
use crate::provider::Provider;

impl Provider {
    /// Decides as the first `provide` of the volume would, and fails as it would; writes nothing.
    pub async fn explain(&self, context: &ProvideContext) -> Result<Provided, ProvideError> {
        let key = LeaseKey::of(context);
        let prepared = self.prepare(context).await?;
        let plan = self
            .check_life(&prepared)
            .and_then(|()| self.plan(context, &key, &prepared))
            .map_err(|failure| prepared.error(failure))?;
        let record = self.record(context, &key, &prepared, &plan, &[], None);
        Ok(Provided {
            level: context.level(),
            identity: prepared.identity,
            delivery: plan.delivery,
            region: prepared.region,
            environment: plan.environment,
            files: provided_files(&record, &env_directory(context, &key)),
            expires_at: record.expires_at,
            refresh_at: record.refresh_at,
            attempts: prepared.attempts,
            region_attempts: prepared.region_attempts,
            identity_changed: false,
        })
    }

    /// The region for a volume, and what each resolver said.
    pub async fn region(&self, context: &ProvideContext) -> RegionAnswer {
        self.wiring.region.resolve(&*self.wiring.clock, context).await
    }

    /// Keys for a volume: what its chain gives, exchanged where it is not keys already.
    pub async fn credentials(&self, context: &ProvideContext) -> Result<Keys, ProvideError> {
        self.within_deadline(self.wiring.keys(&self.settings, context)).await
    }

    /// The same keys, fetched when somebody first asks and kept fresh while somebody reads them, as the settings of the cache say. To be
    /// called within a tokio runtime.
    pub fn cached_keys(&self, context: &ProvideContext) -> CachedKeys {
        let (provider, context) = (self.clone(), context.clone());
        let fetch = move || {
            let (provider, context) = (provider.clone(), context.clone());
            async move { provider.credentials(&context).await.map_err(|error| error.failure) }
        };
        CachedKeys::builder(fetch)
            .settings(self.settings.rotation.cache.clone())
            .clock(Arc::clone(&self.wiring.clock))
            .build(Handle::current())
    }
}
