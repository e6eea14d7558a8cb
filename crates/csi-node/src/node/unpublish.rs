//! NodeUnpublishVolume: everything of a publish, in reverse. The unmount comes before the
//! credentials go.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use s3_credential_provider::UnpublishRequest;
use tonic::Code;

use super::{Node, Parts};
use crate::error::CallError;
use crate::mount_id::MountId;
use crate::mounter::MounterError;
use crate::mounts::{FUSE_SOURCE, MountEntry, mounted_at};
use crate::volume::{Phase, VolumeRecord};

impl Node {
    /// Unpublishes a volume. Unknown volumes are fine.
    pub async fn unpublish(&self, volume_id: &str, target_path: &str) -> Result<(), CallError> {
        let guard = self.0.locks.try_lock(volume_id, target_path)?;
        let node = self.clone();
        let (volume_id, target_path) = (volume_id.to_owned(), target_path.to_owned());
        let work = tokio::spawn(async move {
            let _guard = guard;
            let result = node.0.unpublish(&volume_id, &target_path).await;
            match &result {
                Ok(()) => {
                    tracing::info!(volume = volume_id, "volume unpublished");
                    if let Some(events) = node.events() {
                        events.forget(&(volume_id, target_path));
                    }
                }
                Err(error) => {
                    tracing::warn!(volume = volume_id, code = ?error.code, "cannot unpublish: {error}");
                }
            }
            result
        });
        work.await
            .unwrap_or_else(|_| Err(CallError::internal("the unpublish stopped unexpectedly")))
    }
}

impl Parts {
    async fn unpublish(&self, volume_id: &str, target_path: &str) -> Result<(), CallError> {
        let id = MountId::new(volume_id, target_path);
        match self.volumes.get(&id) {
            Some(record) => self.reverse(&record).await,
            // What another volume has there stays.
            None if self.volumes.all().iter().any(|record| record.target_path == target_path) => {
                Ok(())
            }
            None => self.remove(&id, volume_id, target_path).await,
        }
    }

    /// Reverses a publish, however far it came.
    pub(super) async fn reverse(&self, record: &VolumeRecord) -> Result<(), CallError> {
        let removing = VolumeRecord { phase: Phase::Unpublishing, ..record.clone() };
        if let Err(error) = self.volumes.put(&removing) {
            // Only a crash would need it, and on a full file system the removal is what helps.
            tracing::warn!("cannot record an unpublish: {error}");
        }
        self.remove(&record.id(), &record.volume_id, &record.target_path).await
    }

    async fn remove(
        &self,
        id: &MountId,
        volume_id: &str,
        target_path: &str,
    ) -> Result<(), CallError> {
        let (source, target) = (self.directory.source(id), PathBuf::from(target_path));
        self.check_target(&source, &target).await?;
        self.unmount(&target).await?;
        self.unmount(&source).await?;
        match self.mounter.stop(id).await {
            Ok(()) => {}
            // Its processes ended with it, or serve no mount any more: both file systems are
            // unmounted.
            Err(MounterError::Unreachable(_)) => self.has_leftovers.store(true, Ordering::Release),
            Err(error) => return Err(error.into()),
        }
        let request = UnpublishRequest::new(volume_id, target_path);
        self.credentials.unpublish(&request, &self.target(id, None)).await?;
        let credentials = self.directory.credentials_of(id);
        self.blocking("remove the directories of a mount", move |mounts| {
            mounts.remove_tree(&credentials)?;
            mounts.remove_directory(&source)?;
            match mounts.remove_directory(&target).map_err(|error| (error.kind(), error)) {
                // The publish made none of it.
                Err((io::ErrorKind::NotADirectory | io::ErrorKind::DirectoryNotEmpty, error)) => {
                    tracing::warn!("what is at a target path is left alone: {error}");
                    Ok(())
                }
                result => result.map_err(|(_, error)| error),
            }
        })
        .await?;
        self.volumes.remove(id)
    }

    /// Refuses to unmount at a target path what no S3 volume is.
    async fn check_target(&self, source: &Path, target: &Path) -> Result<(), CallError> {
        let entries = self.entries().await?;
        let device = mounted_at(&entries, source).map(|entry| &entry.device);
        let is_ours =
            |entry: &MountEntry| Some(&entry.device) == device || entry.source == FUSE_SOURCE;
        match mounted_at(&entries, target) {
            Some(entry) if !is_ours(entry) => Err(CallError::new(
                Code::FailedPrecondition,
                format!(
                    "a file system of type {} is mounted at target_path, which is no S3 volume; unmount it",
                    entry.file_system
                ),
            )),
            _ => Ok(()),
        }
    }
}
