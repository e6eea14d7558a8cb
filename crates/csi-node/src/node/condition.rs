//! How a volume does: whether it is mounted, and its process runs.

use tonic::Code;

use super::looks::Look;
use super::{Node, Parts};
use crate::error::CallError;
use crate::mount_id::MountId;
use crate::mounter::MounterError;
use crate::mounts::Usage;
use crate::volume::{Phase, VolumeRecord};

/// Whether a volume works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeCondition {
    /// Whether something is wrong.
    pub abnormal: bool,
    /// What is wrong, and what to do.
    pub message: String,
}

/// What NodeGetVolumeStats answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeStats {
    /// The size, where the file system answers.
    pub usage: Option<Usage>,
    /// Whether the volume works.
    pub condition: VolumeCondition,
}

impl Node {
    /// Returns size and condition of a volume at a path.
    ///
    /// # Errors
    /// NOT_FOUND if the volume is not published there.
    pub async fn stats(&self, volume_id: &str, path: &str) -> Result<VolumeStats, CallError> {
        let id = MountId::new(volume_id, path);
        let record = self.0.volumes.get(&id).ok_or_else(|| {
            CallError::new(
                Code::NotFound,
                format!("volume `{volume_id}` is not published at volume_path"),
            )
        })?;
        let condition = self.0.condition(&id, &record).await?;
        if condition.abnormal {
            return Ok(VolumeStats { usage: None, condition });
        }
        let abnormal = |message: String| VolumeCondition { abnormal: true, message };
        Ok(match self.0.look(path.as_ref()).await {
            Look::Usage(usage) => VolumeStats { usage: Some(usage), condition },
            Look::Failed => VolumeStats { usage: None, condition },
            Look::Disconnected => {
                VolumeStats { usage: None, condition: abnormal(died(&record, "")) }
            }
            Look::Silent => VolumeStats {
                usage: None,
                condition: abnormal(format!(
                    "the file system of volume `{}` does not answer; remove the pod, so that a new one gets a new mount",
                    record.volume_id
                )),
            },
        })
    }
}

impl Node {
    /// Returns the published volumes whose Mountpoint process has ended, each with the message for
    /// its user.
    ///
    /// # Errors
    /// UNAVAILABLE if the mounter does not answer.
    pub async fn lost_mounts(&self) -> Result<Vec<(VolumeRecord, String)>, CallError> {
        let running = self.0.mounter.list().await?;
        let ended = running.into_iter().filter(|mount| mount.pid.is_none());
        let lost = ended.filter_map(|mount| {
            let record = self.0.volumes.get(&mount.id)?;
            let message = died(&record, &mount.last_lines);
            (record.phase == Phase::Published).then_some((record, message))
        });
        Ok(lost.collect())
    }
}

impl Parts {
    async fn condition(
        &self,
        id: &MountId,
        record: &VolumeRecord,
    ) -> Result<VolumeCondition, CallError> {
        let entries = self.entries().await?;
        let abnormal = |message: String| Ok(VolumeCondition { abnormal: true, message });
        if !self.is_at_target(&entries, id, record) {
            return abnormal("the volume is not mounted at its target path".to_owned());
        }
        match self.ended(id, record).await {
            Ok(Some(reason)) => abnormal(reason),
            Ok(None) => Ok(VolumeCondition { abnormal: false, message: "mounted".to_owned() }),
            Err(error) => abnormal(error.message),
        }
    }

    /// Returns why a volume's process has ended, if it has.
    pub(super) async fn ended(
        &self,
        id: &MountId,
        record: &VolumeRecord,
    ) -> Result<Option<String>, CallError> {
        let running = match self.mounter.list().await {
            Ok(running) => running.into_iter().find(|mount| mount.id == *id),
            // Mounts outlive a mounter that cannot be asked: the file system itself knows.
            Err(MounterError::Unreachable(_)) => {
                return Ok(self.is_disconnected(id).await.then(|| died(record, "")));
            }
            Err(error) => return Err(CallError::from(error).of_mounted()),
        };
        Ok(match running {
            Some(mount) if mount.pid.is_some() => None,
            Some(mount) => Some(died(record, &mount.last_lines)),
            None => self.is_disconnected(id).await.then(|| died(record, "")),
        })
    }

    async fn is_disconnected(&self, id: &MountId) -> bool {
        self.look(&self.directory.source(id)).await == Look::Disconnected
    }
}

fn died(record: &VolumeRecord, last_lines: &str) -> String {
    let mut message = format!(
        "the Mountpoint process of volume `{}` has ended, and its files cannot be read; remove the pod, so that a new one gets a new mount",
        record.volume_id
    );
    if let Some(line) = last_lines.lines().map(str::trim).rfind(|line| !line.is_empty()) {
        message = format!("{message} (its last line: {line})");
    }
    message
}
