//! The start: records, mounts and processes are brought together, each volume by itself.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use super::{Node, Parts};
use crate::call::PublishCall;
use crate::error::CallError;
use crate::mount_id::MountId;
use crate::mounter::{MounterError, RunningMount};
use crate::mounts::{MountEntry, is_mounted, mounted_at};
use crate::volume::{Phase, VolumeRecord};

/// What a start did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StartReport {
    /// Volumes that are published still.
    pub adopted: usize,
    /// Publishes that a crash had interrupted at their last step.
    pub finished: usize,
    /// Volumes and leftovers that are removed.
    pub swept: usize,
    /// Volumes that could be neither adopted nor swept; the next start tries again.
    pub failed: usize,
}

impl Node {
    /// Brings together the records, the mount table and the mounter's processes. One volume's
    /// trouble stops no other.
    pub async fn start(&self) -> Result<StartReport, CallError> {
        let parts = &self.0;
        let directory = parts.directory.clone();
        parts
            .blocking("make the plugin directory", move |mounts| {
                mounts.make_directory(directory.path(), 0o755)?;
                mounts.make_directory(&directory.mounts(), 0o750)?;
                // Each mount's user reaches its own directory, and lists no others.
                mounts.make_directory(&directory.credentials(), 0o711)
            })
            .await?;
        let entries = parts.entries().await?;
        let running = match parts.mounter.list().await {
            Ok(running) => running,
            Err(MounterError::Unreachable(why)) => {
                tracing::warn!("cannot reach the mounter at the start: {why}");
                Vec::new()
            }
            Err(error) => return Err(error.into()),
        };
        let mut report = StartReport::default();
        for record in parts.volumes.all() {
            let Ok(_guard) = parts.locks.try_lock(&record.volume_id, &record.target_path) else {
                continue;
            };
            match parts.settle(&record, &entries).await {
                Ok(Settled::Adopted) => report.adopted += 1,
                Ok(Settled::Finished) => report.finished += 1,
                Ok(Settled::Swept) => report.swept += 1,
                Err(error) => {
                    report.failed += 1;
                    tracing::warn!(volume = record.volume_id, "cannot take up a volume: {error}");
                }
            }
        }
        for id in parts.strays(&running).await? {
            match parts.sweep_stray(&id, &entries).await {
                Ok(true) => report.swept += 1,
                Ok(false) => {}
                Err(error) => {
                    report.failed += 1;
                    tracing::warn!(mount = %id, "cannot remove a leftover: {error}");
                }
            }
        }
        parts.release_leftovers().await;
        tracing::info!(?report, "volumes taken up");
        Ok(report)
    }
}

enum Settled {
    Adopted,
    Finished,
    Swept,
}

impl Parts {
    async fn settle(
        &self,
        record: &VolumeRecord,
        entries: &[MountEntry],
    ) -> Result<Settled, CallError> {
        let id = record.id();
        let is_complete = self.is_at_target(entries, &id, record)
            && is_mounted(entries, &self.directory.source(&id));
        match record.phase {
            Phase::Published => Ok(Settled::Adopted),
            Phase::Publishing if is_complete && self.ended(&id, record).await?.is_none() => {
                self.volumes.put(&VolumeRecord { phase: Phase::Published, ..record.clone() })?;
                Ok(Settled::Finished)
            }
            Phase::Publishing | Phase::Unpublishing => {
                self.reverse(record).await?;
                Ok(Settled::Swept)
            }
        }
    }

    /// Mounts, processes and credentials that no record knows.
    async fn strays(&self, running: &[RunningMount]) -> Result<BTreeSet<MountId>, CallError> {
        let (mounts, credentials) = (self.directory.mounts(), self.directory.credentials());
        let names = self
            .blocking("list the plugin directory", move |kernel| {
                Ok([kernel.names(&mounts)?, kernel.names(&credentials)?].concat())
            })
            .await?;
        let found = names.iter().filter_map(|name| MountId::parse(name));
        let found = found.chain(running.iter().map(|mount| mount.id.clone()));
        Ok(found.filter(|id| !self.volumes.has(id)).collect())
    }

    /// Removes a leftover, unless a workload uses it: where the state path was lost, a mount
    /// without a record may be live.
    async fn sweep_stray(&self, id: &MountId, entries: &[MountEntry]) -> Result<bool, CallError> {
        let source = self.directory.source(id);
        let is_used = mounted_at(entries, &source).is_some_and(|mount| {
            entries.iter().any(|entry| entry.path != mount.path && entry.device == mount.device)
        });
        if is_used {
            tracing::warn!(mount = %id, "a mount without a record is in use; its next publish adopts it");
            return Ok(false);
        }
        self.unmount(&source).await?;
        match self.mounter.stop(id).await {
            Ok(()) | Err(MounterError::Unreachable(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let credentials = self.directory.credentials_of(id);
        self.blocking("remove the directories of a mount", move |mounts| {
            mounts.remove_tree(&credentials)?;
            mounts.remove_directory(&source)
        })
        .await?;
        Ok(true)
    }

    /// Returns a record of a volume that is mounted without one: its state path was lost. `None` if
    /// it is not mounted.
    pub(super) async fn recover(
        &self,
        id: &MountId,
        call: &PublishCall,
    ) -> Result<Option<VolumeRecord>, CallError> {
        let entries = self.entries().await?;
        let source = self.directory.source(id);
        let at_target = mounted_at(&entries, call.target_path.as_ref());
        let (Some(at_source), Some(at_target)) = (mounted_at(&entries, &source), at_target) else {
            return Ok(None);
        };
        if at_source.device != at_target.device {
            return Ok(None);
        }
        let owner = self.mounter.reserve(id).await?;
        let record = VolumeRecord {
            version: VolumeRecord::VERSION,
            volume_id: call.volume_id.clone(),
            target_path: call.target_path.clone(),
            phase: Phase::Published,
            fingerprint: call.fingerprint.clone(),
            bucket: call.bucket.clone(),
            read_only: call.arguments.read_only,
            uid: Some(owner.uid),
            gid: Some(owner.gid),
            memory: None,
            role: None,
        };
        self.volumes.put(&record)?;
        tracing::info!(volume = record.volume_id, "a mounted volume without a record is adopted");
        Ok(Some(record))
    }

    /// Releases users of mounts that no record knows: they were stopped while no mounter listened.
    pub(super) async fn release_leftovers(&self) {
        if !self.has_leftovers.swap(false, Ordering::AcqRel) {
            return;
        }
        if let Err(error) = self.try_release_leftovers().await {
            self.has_leftovers.store(true, Ordering::Release);
            tracing::debug!("cannot release the users of former mounts: {error}");
        }
    }

    async fn try_release_leftovers(&self) -> Result<(), CallError> {
        let reserved = self.mounter.reservations().await?;
        let entries = self.entries().await?;
        for id in reserved {
            if !self.volumes.has(&id) && !is_mounted(&entries, &self.directory.source(&id)) {
                self.mounter.stop(&id).await?;
            }
        }
        Ok(())
    }
}
