//! `cleanup`: the lease loses a holder, and with the last one everything that was written for it.

use std::path::{Path, PathBuf};

use s3_credential_core::{CleanupContext, ErrorKind, Failure};
use s3_credential_delivery::WritePath;

use crate::error::ProvideError;
use crate::lease::LockedEntry;
use crate::lease::{LeaseKey, LeaseRecord, Phase};
use crate::provider::Provider;
use crate::publish::CleanupReport;

impl Provider {
    /// Takes a holder from a lease, and removes the lease's files with the last one. To be called
    /// after the unmount: a token file that is missing at a refresh hangs a live mount for good.
    ///
    /// Idempotent; a volume that was never provided, and a write path that is gone already, are
    /// fine.
    pub async fn cleanup(&self, context: &CleanupContext) -> Result<CleanupReport, ProvideError> {
        let found = self.find_lease(context).map_err(unavailable)?;
        let is_shared = found
            .as_ref()
            .is_some_and(|record| record.context.target().mountpoint_pod_uid.is_some());
        let key = found.map_or_else(
            || {
                let pod = context.lease_pod();
                LeaseKey::new(context.write_path(), pod.as_deref(), context.volume_id())
            },
            |record| LeaseKey::of_record(&record),
        );
        let mut report = self.release(&key, context.volume_id(), context.target_path()).await?;
        let left = if is_shared { self.left_leases(context.volume_id())? } else { Vec::new() };
        for key in left {
            report.removed.extend(self.release(&key, context.volume_id(), "").await?.removed);
        }
        Ok(report)
    }

    /// Returns the leases of a volume that every target path has left for another Mountpoint pod.
    fn left_leases(&self, volume_id: &str) -> Result<Vec<LeaseKey>, Failure> {
        let is_left = |record: &LeaseRecord| {
            record.is_live() && record.holders.is_empty() && record.context.volume_id() == volume_id
        };
        let records = self.journal.records()?;
        Ok(records.filter(is_left).map(|record| LeaseKey::of_record(&record)).collect())
    }

    /// Takes a holder from a lease, and leaves its files as they are.
    pub(crate) async fn leave(&self, key: &LeaseKey, holder: &str) -> Result<(), Failure> {
        let _guard = self.locks.lock(&key.name).await;
        let mut entry = self.journal.lock(key).await?;
        let Some(record) = entry.record() else { return Ok(()) };
        let mut left = LeaseRecord::clone(&record);
        left.holders.remove(holder);
        entry.write(&left)?;
        self.leases.set_record(&key.name, &left);
        Ok(())
    }

    /// Takes a holder from a lease, and removes the lease with the last one.
    pub(crate) async fn release(
        &self,
        key: &LeaseKey,
        volume_id: &str,
        holder: &str,
    ) -> Result<CleanupReport, Failure> {
        let _guard = self.locks.lock(&key.name).await;
        let mut entry = self.journal.lock(key).await.map_err(unavailable)?;
        if entry.is_unreadable() {
            return Err(unreadable(key));
        }
        let was_unknown = entry.is_new();
        if let Some(record) = entry.record() {
            let mut left = LeaseRecord::clone(&record);
            left.holders.remove(holder);
            if record.is_live() && !left.holders.is_empty() {
                entry.write(&left)?;
                self.leases.set_record(&key.name, &left);
                let remaining_holders = left.holders.len();
                tracing::info!(volume = volume_id, remaining_holders, "the lease is still held");
                return Ok(CleanupReport { removed: Vec::new(), remaining_holders });
            }
            let removing = LeaseRecord { phase: Phase::Removing, ..LeaseRecord::clone(&record) };
            if let Err(failure) = entry.write(&removing) {
                // Only a crash would need it, and on a full file system the removal is what helps.
                tracing::warn!(%failure, "the journal cannot record a removal");
            }
        }
        self.leases.remove(&key.name);
        let write_path = entry
            .record()
            .map_or_else(|| key.write_path.clone(), |record| record.write_path.clone());
        let removed = self.remove_lease(&write_path, entry)?;
        tracing::info!(volume = volume_id, files = removed.len(), "credentials removed");
        // The holder may have left before: then the lease that it shared may still be in use.
        let remaining_holders =
            if was_unknown { self.journal.shared_holders(volume_id)? } else { 0 };
        Ok(CleanupReport { removed, remaining_holders })
    }

    /// Removes all parts of a lease. The record goes last: until all else is gone, it must report
    /// the lease to the next start.
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

    /// Returns the lease that an unpublish is about: by the pod in the request, else by its holder,
    /// since a shared Mountpoint pod is not in the request, and the write path may lead elsewhere
    /// by now.
    pub(crate) fn find_lease(
        &self,
        context: &CleanupContext,
    ) -> Result<Option<LeaseRecord>, Failure> {
        let pod = context.lease_pod();
        let key = LeaseKey::new(context.write_path(), pod.as_deref(), context.volume_id());
        let (volume_id, holder) = (context.volume_id(), context.target_path());
        let in_memory = |name: &str| {
            let record = self.leases.get(name)?.record;
            record.is_held_by(volume_id, holder).then(|| LeaseRecord::clone(&record))
        };
        let by_name = self.journal.read_named(&key.name);
        if let Ok(Some(record)) = by_name {
            return Ok(Some(record));
        }
        if let Some(record) =
            self.leases.of_holder(volume_id, holder).and_then(|name| in_memory(&name))
        {
            return Ok(Some(record));
        }
        let found = self.journal.find(volume_id, holder)?;
        // That the record of this very name cannot be read is its lease's own trouble, which its
        // lock reports.
        Ok(found)
    }
}

/// The kubelet calls again for what may be there later.
fn unavailable(failure: Failure) -> Failure {
    if failure.is_retryable() {
        return failure;
    }
    Failure::new(
        ErrorKind::Unavailable,
        format!("the lease's record cannot be reached: {}", failure.message()),
    )
    .with_help(failure.help().to_owned())
    .with_cause(failure)
}

fn unreadable(key: &LeaseKey) -> Failure {
    Failure::new(
        ErrorKind::Unavailable,
        format!("the record {} of the lease cannot be read: other pods may hold it", key.name),
    )
    .with_help(
        "run the version of the driver that wrote it; once no volume of it is mounted, remove the record from the state path",
    )
}
