//! NodePublishVolume: the first call mounts, and every further one refreshes.

use std::fs;
use std::path::{Path, PathBuf};

use s3_credential_provider::{EnvironmentValue, Provided};
use tonic::Code;

use super::report::Subject;
use super::{Node, Parts};
use crate::call::PublishCall;
use crate::error::CallError;
use crate::mount_id::MountId;
use crate::mounter::{MountCommand, MountOwner, MounterError, mountpoint_failure};
use crate::mounts::{FuseOptions, is_mounted, mounted_at};
use crate::volume::{Phase, VolumeRecord};

/// Modes of the directories: the mount's own, and those that are mounted over.
const CREDENTIALS_MODE: u32 = 0o700;
const MOUNT_POINT_MODE: u32 = 0o750;

impl Node {
    /// Publishes a volume, or refreshes the credentials of one that is published.
    ///
    /// The work goes on when the caller goes away: half a publish would have to be swept.
    pub async fn publish(&self, call: PublishCall) -> Result<(), CallError> {
        let guard = self.0.locks.try_lock(&call.volume_id, &call.target_path)?;
        let node = self.clone();
        let subject = Subject::of(&call);
        let work = tokio::spawn(async move {
            let _guard = guard;
            let volume = call.volume_id.clone();
            let result = node.0.publish(call).await;
            if let Err(error) = &result {
                tracing::warn!(volume, code = ?error.code, "cannot publish: {error}");
            }
            node.report_publish(&subject, &result).await;
            result
        });
        work.await.unwrap_or_else(|_| Err(CallError::internal("the publish stopped unexpectedly")))
    }
}

impl Parts {
    async fn publish(&self, call: PublishCall) -> Result<(), CallError> {
        let id = MountId::new(&call.volume_id, &call.target_path);
        match self.volumes.get(&id) {
            Some(record) if record.phase == Phase::Published => {
                self.republish(&id, record, call).await
            }
            Some(record) => {
                self.reverse(&record).await?;
                self.first(&id, call).await
            }
            None if self.volumes.has(&id) => Err(CallError::unavailable(format!(
                "the record of volume `{}` cannot be read: another version of the driver wrote it; finish the upgrade, or remove the pod",
                call.volume_id
            ))),
            None => match self.recover(&id, &call).await? {
                Some(record) => self.republish(&id, record, call).await,
                None => self.first(&id, call).await,
            },
        }
    }

    async fn first(&self, id: &MountId, call: PublishCall) -> Result<(), CallError> {
        self.check_target_is_free(&call).await?;
        let mut record = self.record(&call)?;
        self.volumes.put(&record)?;
        match self.mount(id, &mut record, call).await {
            Ok(()) => {
                tracing::info!(volume = record.volume_id, mount = %id, "volume published");
                Ok(())
            }
            Err(error) => {
                if let Err(failure) = self.reverse(&record).await {
                    tracing::warn!(
                        volume = record.volume_id,
                        "cannot reverse a publish: {failure}"
                    );
                }
                Err(error)
            }
        }
    }

    /// Refuses a target path where something else is, and leaves that unchanged.
    async fn check_target_is_free(&self, call: &PublishCall) -> Result<(), CallError> {
        let target = Path::new(&call.target_path);
        if self.options.kubelet_dir.as_ref().is_some_and(|kubelet| !target.starts_with(kubelet)) {
            tracing::warn!(
                volume = call.volume_id,
                "target_path is outside of --kubelet-dir, where the kubelet may not see the mount"
            );
        }
        let at_target = |record: &VolumeRecord| record.target_path == call.target_path;
        if self.volumes.all().iter().any(at_target) {
            return Err(CallError::new(
                Code::AlreadyExists,
                "another volume is published at target_path; unpublish it first",
            ));
        }
        if let Some(entry) = mounted_at(&self.entries().await?, target) {
            // Not a final code: a workload may use what is mounted there.
            return Err(CallError::unavailable(format!(
                "a file system of type {} is mounted at target_path, and this driver has no record of it; remove the pod, or unmount it",
                entry.file_system
            )));
        }
        match fs::symlink_metadata(target) {
            Ok(found) if !found.is_dir() => Err(CallError::new(
                Code::FailedPrecondition,
                "target_path is not a directory; remove what is there",
            )),
            _ => Ok(()),
        }
    }

    fn record(&self, call: &PublishCall) -> Result<VolumeRecord, CallError> {
        let live = self.volumes.all().into_iter().filter_map(|record| record.memory);
        let memory = self.options.memory.map(|budget| budget.share(live)).transpose()?;
        Ok(VolumeRecord {
            version: VolumeRecord::VERSION,
            volume_id: call.volume_id.clone(),
            target_path: call.target_path.clone(),
            phase: Phase::Publishing,
            fingerprint: call.fingerprint.clone(),
            bucket: call.bucket.clone(),
            read_only: call.arguments.read_only,
            uid: None,
            gid: None,
            memory,
            role: None,
        })
    }

    /// Every step; the caller reverses them if one fails.
    async fn mount(
        &self,
        id: &MountId,
        record: &mut VolumeRecord,
        call: PublishCall,
    ) -> Result<(), CallError> {
        self.release_leftovers().await;
        let owner = self.mounter.reserve(id).await?;
        (record.uid, record.gid) = (Some(owner.uid), Some(owner.gid));
        self.volumes.put(record)?;
        self.make_credentials_directory(id, owner).await?;

        let target = self.target(id, Some(owner)).with_mounted(false);
        let PublishCall { request, bucket, arguments, target_path, .. } = call;
        let provided = self.credentials.publish(request, target).await?;
        record.role.clone_from(&role(&provided));

        let source = self.directory.source(id);
        let options =
            FuseOptions { uid: owner.uid, gid: owner.gid, read_only: arguments.read_only };
        let at = source.clone();
        let device = self
            .blocking("mount a FUSE file system", move |mounts| {
                mounts.make_directory(&at, MOUNT_POINT_MODE)?;
                mounts.mount_fuse(&at, options)
            })
            .await?;

        let mut environment = provided.environment;
        if let Some(attempts) = arguments.max_attempts.clone() {
            environment.insert("AWS_MAX_ATTEMPTS".to_owned(), EnvironmentValue::Plain(attempts));
        }
        let mut words = arguments.words();
        words.push(arguments.allow().to_owned());
        words.push("--foreground".to_owned());
        words.push(format!("--user-agent-prefix={}", self.options.user_agent));
        words.extend(record.memory.map(|share| format!("--memory-target={share}")));
        let command = MountCommand { id: id.clone(), bucket, arguments: words, environment, owner };
        let mounting = self.mounter.mount(command, device);
        let mounted = tokio::time::timeout(self.options.mount_timeout, mounting).await;
        mounted.unwrap_or(Err(MounterError::TimedOut)).map_err(|error| match error {
            MounterError::Failed { status, stderr } => {
                mountpoint_failure(&status, &stderr, record.role.as_deref())
            }
            error => error.into(),
        })?;

        self.bind(source, target_path.into(), record.read_only).await?;
        record.phase = Phase::Published;
        self.volumes.put(record)
    }

    async fn make_credentials_directory(
        &self,
        id: &MountId,
        owner: MountOwner,
    ) -> Result<(), CallError> {
        let directory = self.directory.credentials_of(id);
        self.blocking("make the directory of the credentials", move |mounts| {
            mounts.make_directory(&directory, CREDENTIALS_MODE)?;
            mounts.give_directory(&directory, owner.uid, owner.gid)
        })
        .await
    }

    async fn bind(
        &self,
        source: PathBuf,
        target: PathBuf,
        read_only: bool,
    ) -> Result<(), CallError> {
        self.blocking("mount the volume at its target path", move |mounts| {
            mounts.make_directory(&target, MOUNT_POINT_MODE)?;
            mounts.bind(&source, &target, read_only)
        })
        .await
    }

    /// Refreshes a published volume. No failure unmounts it.
    async fn republish(
        &self,
        id: &MountId,
        record: VolumeRecord,
        call: PublishCall,
    ) -> Result<(), CallError> {
        if record.fingerprint != call.fingerprint {
            return Err(CallError::new(
                Code::AlreadyExists,
                format!(
                    "volume `{}` is published at this target path with other attributes, mount options or access mode; remove the pod to apply the change",
                    record.volume_id
                ),
            ));
        }
        let entries = self.entries().await.map_err(CallError::of_mounted)?;
        let source = self.directory.source(id);
        let has_source = is_mounted(&entries, &source);
        let has_target = self.is_at_target(&entries, id, &record);
        if !has_source && !has_target {
            // The machine was restarted: no process and no mount is left.
            self.reverse(&record).await?;
            return self.first(id, call).await;
        }
        let target = self.target(id, record.owner()).with_mounted(true);
        self.credentials.publish(call.request, target).await?;
        if let Some(reason) = self.ended(id, &record).await? {
            return Err(CallError::unavailable(reason));
        }
        if !has_target {
            let target = PathBuf::from(&record.target_path);
            self.bind(source, target, record.read_only).await.map_err(CallError::of_mounted)?;
        }
        Ok(())
    }
}

fn role(provided: &Provided) -> Option<String> {
    provided.identity.role_arn.as_ref().map(ToString::to_string)
}
