//! What `provide` would do, the region alone, and the keys alone: nothing here writes.

use s3_credential_core::{Keys, ProvideContext, RegionAnswer};

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
}
