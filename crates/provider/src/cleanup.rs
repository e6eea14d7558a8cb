//! `cleanup`: the lease loses a holder, and with the last one everything that was written for it.

use std::path::{Path, PathBuf};

use s3_credential_core::{CleanupContext, Failure};
use s3_credential_delivery::WritePath;

use crate::error::ProvideError;
use crate::lease::LockedEntry;
use crate::lease::{LeaseKey, LeaseRecord, Phase};
use crate::provider::Provider;
use crate::publish::CleanupReport;

impl Provider {
    /// Takes a holder from a lease, and removes the lease's files with the last one. To be called after the unmount: a token file
    /// that is missing at a refresh hangs a live mount for good.
    ///
    /// Idempotent; a volume that was never provided, and a write path that is gone already, are fine.
    pub async fn cleanup(&self, context: &CleanupContext) -> Result<CleanupReport, ProvideError> {
        let key = self.find_lease(context)?.map_or_else(
            || {
                LeaseKey::new(
                    context.write_path(),
                    context.lease_pod().as_deref(),
                    context.volume_id(),
                )
            },
            |(key, _)| key,
        );
        let _guard = self.locks.lock(&key.name).await;
        let mut entry = self.journal.lock(&key).await?;
        if let Some(record) = entry.record() {
            let mut left = LeaseRecord::clone(&record);
            left.holders.remove(context.target_path());
            if record.is_live() && !left.holders.is_empty() {
                entry.write(&left)?;
                self.leases.set_record(&key.name, &left);
                let remaining_holders = left.holders.len();
                tracing::info!(
                    volume = context.volume_id(),
                    remaining_holders,
                    "the lease is still held"
                );
                return Ok(CleanupReport { removed: Vec::new(), remaining_holders });
            }
            let removing = LeaseRecord { phase: Phase::Removing, ..LeaseRecord::clone(&record) };
            if let Err(failure) = entry.write(&removing) {
                // Only a crash would need it, and on a full file system the removal is what helps.
                tracing::warn!(%failure, "the journal does not tell of a removal");
            }
        }
        self.leases.remove(&key.name);
        let removed = self.remove_lease(context.write_path(), entry)?;
        tracing::info!(volume = context.volume_id(), files = removed.len(), "credentials removed");
        Ok(CleanupReport { removed, remaining_holders: 0 })
    }

    /// Removes all that there is of a lease: the record last, since until all else is gone it must tell the next start of it.
    pub(crate) fn remove_lease(
        &self,
        write_path: &Path,
        entry: LockedEntry,
    ) -> Result<Vec<PathBuf>, Failure> {
        let forgotten = self.revoke_grant(&entry.key.name);
        let removed = match WritePath::open_if_exists(write_path)? {
            Some(write_path) => write_path.remove(&entry.key.directory)?,
            None => Vec::new(),
        };
        forgotten?;
        entry.remove()?;
        Ok(removed)
    }

    /// The lease that an unpublish is about: by the pod in the request, else by its holder, since a shared Mountpoint pod is not
    /// in the request.
    pub(crate) fn find_lease(
        &self,
        context: &CleanupContext,
    ) -> Result<Option<(LeaseKey, LeaseRecord)>, Failure> {
        let key = LeaseKey::new(
            context.write_path(),
            context.lease_pod().as_deref(),
            context.volume_id(),
        );
        if let Some(record) = self.journal.read_named(&key.name)? {
            return Ok(Some((key, record)));
        }
        if context.mountpoint_pod_uid().is_some() {
            return Ok(None);
        }
        let (volume_id, holder) = (context.volume_id(), context.target_path());
        if let Some(name) = self.leases.of_holder(volume_id, holder)
            && let Some(record) = self.journal.read_named(&name)?
            && record.is_held_by(volume_id, holder)
        {
            return Ok(Some((LeaseKey::of_record(&record), record)));
        }
        let found = self.journal.find(volume_id, holder)?;
        Ok(found.map(|record| (LeaseKey::of_record(&record), record)))
    }
}
