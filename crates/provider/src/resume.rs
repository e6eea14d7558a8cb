//! The start of a driver: it takes up the leases of an earlier run, and removes what no lease
//! needs.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use s3_credential_core::{Delivery, Failure};
use s3_credential_delivery::WritePath;

use crate::error::ProvideError;
use crate::lease::Lease;
use crate::lease::{LeaseKey, LeaseRecord, canonical};
use crate::provider::Provider;
use crate::rotation::Event;
use crate::settings::later;

/// The result of a resume.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ResumeReport {
    /// Leases that were taken up again.
    pub adopted: usize,
    /// Paths that belonged to no lease, and were removed.
    pub removed: Vec<PathBuf>,
    /// Journal entries that are unreadable, of another version or no records at all. They were left
    /// alone.
    pub unreadable: Vec<String>,
    /// Directories under [`ResumeOptions::own_write_paths`] that no record describes, and that were
    /// left alone.
    pub unrecorded: Vec<PathBuf>,
    /// The failures of single leases and directories. No other lease is affected.
    pub failures: Vec<Failure>,
}

/// What the caller knows at its start.
#[derive(Default)]
pub struct ResumeOptions<'a> {
    /// Says of a target path whether it is still published; without it the journal is believed.
    pub still_published: Option<&'a (dyn Fn(&str) -> bool + Sync)>,
    /// Write paths that are this provider's alone. A lost state path leaves directories in them
    /// that no record describes. They are reported, and stay: the next publish of the same volume
    /// adopts them, its cleanup removes them.
    pub own_write_paths: Vec<PathBuf>,
    /// Returns whether no Mountpoint can be running with the credentials in a directory that no
    /// record describes. Such a directory under [`ResumeOptions::own_write_paths`] is then removed.
    ///
    /// A running process keeps no trace in the directory, so the evidence is the caller's: the
    /// mount table and the list of Mountpoint processes, or the knowledge that the node has just
    /// booted.
    pub is_unused: Option<&'a (dyn Fn(&Path) -> bool + Sync)>,
}

impl fmt::Debug for ResumeOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResumeOptions")
            .field("own_write_paths", &self.own_write_paths)
            .finish_non_exhaustive()
    }
}

impl Provider {
    /// Takes up every lease of the journal that is still held, and removes the others, what a crash
    /// has left included. Call it before the first `provide`.
    ///
    /// A bad entry is the trouble of its own lease: it is in the report, and the other leases are
    /// taken up.
    ///
    /// # Errors
    /// The error of the state path, if its entries cannot be listed.
    pub async fn resume(&self, options: ResumeOptions<'_>) -> Result<ResumeReport, ProvideError> {
        let mut resumed = ResumeReport::default();
        let changing = self.resolver.sources_with_changes();
        for swept in [self.journal.sweep(), self.checkpoint.sweep()] {
            resumed.note(swept);
        }
        for name in self.journal.names()? {
            let resuming =
                self.resume_lease(name, options.still_published, &changing, &mut resumed).await;
            resumed.note(resuming);
        }
        self.forget_strays(&mut resumed).await;
        for write_path in &options.own_write_paths {
            let swept =
                self.sweep_strays(&canonical(write_path), options.is_unused, &mut resumed).await;
            resumed.note(swept);
        }
        tracing::info!(
            adopted = resumed.adopted,
            removed = resumed.removed.len(),
            unreadable = resumed.unreadable.len(),
            unrecorded = resumed.unrecorded.len(),
            failures = resumed.failures.len(),
            "leases resumed"
        );
        Ok(resumed)
    }

    /// Returns what was removed.
    async fn resume_lease(
        &self,
        name: String,
        still_published: Option<&(dyn Fn(&str) -> bool + Sync)>,
        changing: &HashSet<String>,
        resumed: &mut ResumeReport,
    ) -> Result<Vec<PathBuf>, Failure> {
        let _guard = self.locks.lock(&name).await;
        let mut entry = match self.journal.lock_named(&name).await {
            // A directory, a file that is too large or that this user may not open: no retry reads
            // it.
            Err(failure) if !failure.is_retryable() => {
                tracing::warn!(entry = name, %failure, "an entry of the state path is no record");
                resumed.unreadable.push(name);
                return Ok(Vec::new());
            }
            entry => entry?,
        };
        let Some(record) = entry.record() else {
            // Another process has removed it since it was listed, or it was never written.
            if entry.is_new() {
                return entry.remove().map(|()| Vec::new());
            }
            resumed.unreadable.push(name);
            return Ok(Vec::new());
        };
        let mut record = LeaseRecord::clone(&record);
        let held_by = record.holders.len();
        record.holders.retain(|holder| still_published.is_none_or(|published| published(holder)));
        match WritePath::open_if_exists(&record.write_path)? {
            Some(write_path) if record.is_live() && !record.holders.is_empty() => {
                if record.holders.len() < held_by
                    && let Err(failure) = entry.write(&record)
                {
                    // The holders that are gone leave with the next record: until then the lease
                    // stays, which harms no mount.
                    resumed.failures.push(failure);
                }
                let swept = write_path.sweep_temporary(&record.directory);
                self.adopt(&entry.key, record, changing);
                resumed.adopted += 1;
                swept
            }
            _ => {
                let removed = self.remove_lease(&record.write_path, entry)?;
                self.emit(Event::Swept { lease: record.id(), removed: removed.len() });
                Ok(removed)
            }
        }
    }

    fn adopt(&self, key: &LeaseKey, record: LeaseRecord, changing: &HashSet<String>) {
        // A lease that is never due may have changed before the subscription.
        let changes = record.identity.source.as_ref().is_some_and(|name| changing.contains(name));
        let is_served = record.delivery() != Delivery::Endpoint || self.restore_grant(&key.name);
        let reading = self.resolver.reading();
        let due_at = |at: Timestamp| later(reading, at.duration_since(reading.now));
        let lease = Lease {
            context: record.context.clone(),
            due_at: if is_served {
                record.refresh_at.map(due_at).or_else(|| changes.then_some(reading))
            } else {
                Some(reading)
            },
            record: Arc::new(record.without_environment()),
            files: None,
            exchange: None,
            fingerprint: None,
            failures: 0,
            last_error: None,
            identity_changed: false,
        };
        self.emit(Event::Adopted { lease: lease.record.id() });
        self.leases.put(&key.name, lease);
    }

    /// Removes the checkpoints of leases that are in no journal.
    async fn forget_strays(&self, resumed: &mut ResumeReport) {
        let names = self.checkpoint.names().unwrap_or_else(|failure| {
            resumed.failures.push(failure);
            Vec::new()
        });
        for name in names {
            let forgotten = self.forget_stray(name).await.map(|()| Vec::new());
            resumed.note(forgotten);
        }
    }

    async fn forget_stray(&self, name: String) -> Result<(), Failure> {
        if self.journal.has(&name)? {
            return Ok(());
        }
        let key = LeaseKey { write_path: PathBuf::new(), directory: String::new(), name };
        let entry = self.journal.lock(&key).await?;
        if entry.is_new() {
            self.checkpoint.remove(&key.name)?;
            entry.remove()?;
        }
        Ok(())
    }

    /// Removes the directories that no record describes and the caller knows to be unused. Reports
    /// the others.
    async fn sweep_strays(
        &self,
        path: &Path,
        is_unused: Option<&(dyn Fn(&Path) -> bool + Sync)>,
        resumed: &mut ResumeReport,
    ) -> Result<Vec<PathBuf>, Failure> {
        let Some(write_path) = WritePath::open_if_exists(path)? else {
            return Ok(Vec::new());
        };
        for directory in write_path.directories()? {
            let there = path.join(&directory);
            let key = LeaseKey::in_directory(path.to_owned(), directory);
            match self.journal.has(&key.name) {
                Ok(false) if is_unused.is_some_and(|is_unused| is_unused(&there)) => {
                    let removed = self.remove_stray(&write_path, &key).await;
                    resumed.note(removed);
                }
                Ok(false) => {
                    tracing::warn!(
                        path = %there.display(),
                        "a directory of credentials has no record: a Mountpoint may run with it"
                    );
                    resumed.unrecorded.push(there);
                }
                known => resumed.note(known.map(|_| Vec::new())),
            }
        }
        Ok(Vec::new())
    }

    async fn remove_stray(
        &self,
        write_path: &WritePath,
        key: &LeaseKey,
    ) -> Result<Vec<PathBuf>, Failure> {
        let entry = self.journal.lock(key).await?;
        // Checked under the lock: another process may have provided it in the meantime.
        if !entry.is_new() {
            return Ok(Vec::new());
        }
        let removed = write_path.remove(&key.directory)?;
        entry.remove()?;
        Ok(removed)
    }
}

impl ResumeReport {
    fn note(&mut self, removed: Result<Vec<PathBuf>, Failure>) {
        match removed {
            Ok(removed) => self.removed.extend(removed),
            Err(failure) => self.failures.push(failure),
        }
    }
}
