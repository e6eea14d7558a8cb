//! The start of a driver: taking up the leases of an earlier run, and removing what belongs to no one.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use s3_credential_core::Failure;
use s3_credential_delivery::WritePath;

use crate::error::ProvideError;
use crate::events::Event;
use crate::lease::{LeaseKey, LeaseRecord, canonical};
use crate::leases::Lease;
use crate::provider::Provider;

/// What a resume found.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Resumed {
    /// Leases that were taken up again.
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
    /// Takes up every lease of the journal that is still held, and removes the others, the temporary files of a crash included.
    /// To be called before the first `provide`.
    pub async fn resume(&self, options: ResumeOptions<'_>) -> Result<Resumed, ProvideError> {
        let mut resumed = Resumed::default();
        let mut known = HashSet::new();
        resumed.removed.extend(self.journal.sweep()?);
        for name in self.journal.names()? {
            let Some(record) = self.journal.read_named(&name)? else {
                resumed.unreadable.push(name);
                continue;
            };
            known.insert((record.write_path.clone(), record.directory.clone()));
            self.resume_lease(record, options.still_published, &mut resumed).await?;
        }
        // An entry that cannot be read may be of a newer version with leases in these very directories.
        if resumed.unreadable.is_empty() {
            for write_path in options.own_write_paths {
                sweep_strays(&canonical(&write_path), &known, &mut resumed);
            }
        }
        tracing::info!(
            adopted = resumed.adopted,
            removed = resumed.removed.len(),
            "leases resumed"
        );
        Ok(resumed)
    }

    async fn resume_lease(
        &self,
        record: LeaseRecord,
        still_published: Option<&(dyn Fn(&str) -> bool + Sync)>,
        resumed: &mut Resumed,
    ) -> Result<(), ProvideError> {
        let key = LeaseKey::of_record(&record);
        let _turn = self.turns.take(&key.name).await;
        let lock = self.journal.lock(&key).await?;
        let Some(old) = self.journal.read(&key)? else {
            return Ok(());
        };
        let mut record = old.clone();
        record.holders.retain(|holder| still_published.is_none_or(|published| published(holder)));
        let write_path = WritePath::open_if_exists(&record.write_path)?;
        match write_path {
            Some(write_path) if !record.holders.is_empty() => {
                self.journal.write(&key, Some(&old), &record)?;
                match write_path.sweep_temporary(&key.directory) {
                    Ok(swept) => resumed.removed.extend(swept),
                    Err(failure) => resumed.failures.push(failure),
                }
                let lease = Lease {
                    context: record.context.clone(),
                    due_at: record.refresh_at,
                    record: Arc::new(record),
                    plan: None,
                    failures: 0,
                    last_error: None,
                };
                self.tell(Event::Adopted { lease: lease.record.id() });
                self.leases.put(&key.name, lease);
                resumed.adopted += 1;
            }
            gone_or_unheld => {
                let removed = gone_or_unheld
                    .map_or(Ok(Vec::new()), |write_path| write_path.remove(&key.directory));
                match removed {
                    Ok(removed) => {
                        self.journal.remove(&key)?;
                        lock.remove()?;
                        self.tell(Event::Swept { lease: record.id(), removed: removed.len() });
                        resumed.removed.extend(removed);
                    }
                    Err(failure) => resumed.failures.push(failure),
                }
            }
        }
        Ok(())
    }
}

/// Removes directories that look like leases and are in no journal.
fn sweep_strays(path: &Path, known: &HashSet<(PathBuf, String)>, resumed: &mut Resumed) {
    let sweep = || -> Result<Vec<PathBuf>, Failure> {
        let Some(write_path) = WritePath::open_if_exists(path)? else {
            return Ok(Vec::new());
        };
        let mut removed = Vec::new();
        for directory in write_path.directories()? {
            if !known.contains(&(path.to_owned(), directory.clone())) {
                removed.extend(write_path.remove(&directory)?);
            }
        }
        Ok(removed)
    };
    match sweep() {
        Ok(removed) => resumed.removed.extend(removed),
        Err(failure) => resumed.failures.push(failure),
    }
}
