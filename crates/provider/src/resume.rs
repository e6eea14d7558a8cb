//! The start of a driver: taking up the leases of an earlier run, and removing what belongs to no one.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use s3_credential_core::{Delivery, Failure};
use s3_credential_delivery::WritePath;

use crate::error::ProvideError;
use crate::lease::Lease;
use crate::lease::{LeaseKey, LeaseRecord, canonical};
use crate::provider::Provider;
use crate::rotation::Event;

/// What a resume found.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ResumeReport {
    /// LeaseTable that were taken up again.
    pub adopted: usize,
    /// Paths that belonged to no one and are gone.
    pub removed: Vec<PathBuf>,
    /// Journal entries that are unreadable or of another version, and were left alone.
    pub unreadable: Vec<String>,
    /// What could not be removed.
    pub failures: Vec<Failure>,
}

/// What the caller knows at its start.
#[derive(Default)]
pub struct ResumeOptions<'a> {
    /// Says of a target path whether it is still published; without it the journal is believed.
    pub still_published: Option<&'a (dyn Fn(&str) -> bool + Sync)>,
    /// Write paths that are this provider's alone. Directories in them that no lease of the journal knows are removed: what a
    /// state path that was lost (a reboot) leaves behind.
    pub own_write_paths: Vec<PathBuf>,
}

impl fmt::Debug for ResumeOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResumeOptions")
            .field("own_write_paths", &self.own_write_paths)
            .finish_non_exhaustive()
    }
}

impl Provider {
    /// Takes up every lease of the journal that is still held, and removes the others, what a crash has left included. To be called
    /// before the first `provide`.
    pub async fn resume(&self, options: ResumeOptions<'_>) -> Result<ResumeReport, ProvideError> {
        let mut resumed = ResumeReport::default();
        let changing = self.resolver.sources_that_tell_of_changes();
        resumed.removed.extend(self.journal.sweep()?);
        resumed.removed.extend(self.checkpoint.sweep()?);
        for name in self.journal.names()? {
            let resuming =
                self.resume_lease(name, options.still_published, &changing, &mut resumed).await;
            if let Err(failure) = resuming {
                resumed.failures.push(failure);
            }
        }
        if let Err(failure) = self.forget_strays().await {
            resumed.failures.push(failure);
        }
        // An entry that cannot be read may be of a newer version with leases in these very directories.
        if resumed.unreadable.is_empty() {
            for write_path in options.own_write_paths {
                if let Err(failure) = self.sweep_strays(&canonical(&write_path), &mut resumed).await
                {
                    resumed.failures.push(failure);
                }
            }
        }
        tracing::info!(
            adopted = resumed.adopted,
            removed = resumed.removed.len(),
            failures = resumed.failures.len(),
            "leases resumed"
        );
        Ok(resumed)
    }

    async fn resume_lease(
        &self,
        name: String,
        still_published: Option<&(dyn Fn(&str) -> bool + Sync)>,
        changing: &HashSet<String>,
        resumed: &mut ResumeReport,
    ) -> Result<(), Failure> {
        let _guard = self.locks.lock(&name).await;
        let mut entry = self.journal.lock_named(&name).await?;
        let Some(record) = entry.record() else {
            // Another process has removed it since it was listed, or it was never written.
            if entry.is_new() {
                return entry.remove();
            }
            resumed.unreadable.push(name);
            return Ok(());
        };
        let mut record = LeaseRecord::clone(&record);
        let held_by = record.holders.len();
        record.holders.retain(|holder| still_published.is_none_or(|published| published(holder)));
        match WritePath::open_if_exists(&record.write_path)? {
            Some(write_path) if record.is_live() && !record.holders.is_empty() => {
                if record.holders.len() < held_by {
                    entry.write(&record)?;
                }
                resumed.removed.extend(write_path.sweep_temporary(&record.directory)?);
                self.adopt(&entry.key, record, changing);
                resumed.adopted += 1;
            }
            _ => {
                let removed = self.remove_lease(&record.write_path, entry)?;
                self.emit(Event::Swept { lease: record.id(), removed: removed.len() });
                resumed.removed.extend(removed);
            }
        }
        Ok(())
    }

    fn adopt(&self, key: &LeaseKey, record: LeaseRecord, changing: &HashSet<String>) {
        // What is never due may have changed while nobody listened.
        let changes = record.identity.source.as_ref().is_some_and(|name| changing.contains(name));
        let is_served = record.delivery() != Delivery::Endpoint || self.restore_grant(&key.name);
        let now = self.resolver.clock.now();
        let lease = Lease {
            context: record.context.clone(),
            due_at: if is_served {
                record.refresh_at.or_else(|| changes.then_some(now))
            } else {
                Some(now)
            },
            record: Arc::new(record.without_environment()),
            files: None,
            exchange: None,
            fingerprint: None,
            failures: 0,
            last_error: None,
        };
        self.emit(Event::Adopted { lease: lease.record.id() });
        self.leases.put(&key.name, lease);
    }

    /// Forgets what is kept for the endpoint of leases that are in no journal.
    async fn forget_strays(&self) -> Result<(), Failure> {
        for name in self.checkpoint.names()? {
            let key = LeaseKey { write_path: PathBuf::new(), directory: String::new(), name };
            let entry = self.journal.lock(&key).await?;
            if entry.is_new() {
                self.checkpoint.remove(&key.name)?;
                entry.remove()?;
            }
        }
        Ok(())
    }

    /// Removes directories that look like leases and are in no journal.
    async fn sweep_strays(&self, path: &Path, resumed: &mut ResumeReport) -> Result<(), Failure> {
        let Some(write_path) = WritePath::open_if_exists(path)? else {
            return Ok(());
        };
        for directory in write_path.directories()? {
            let key = LeaseKey::in_directory(path.to_owned(), directory);
            if self.journal.has(&key.name)? {
                continue;
            }
            let entry = self.journal.lock(&key).await?;
            // Asked under the lock: another process may have provided it in the meantime.
            if entry.is_new() {
                resumed.removed.extend(write_path.remove(&key.directory)?);
                entry.remove()?;
            }
        }
        Ok(())
    }
}
