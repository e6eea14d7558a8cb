//! The input of `cleanup`.

use std::path::Path;
use std::sync::Arc;

use crate::context::{check_id, pod_uid_of};
use crate::error::Failure;
use crate::request::UnpublishRequest;

/// The input of `cleanup`: the fields of `NodeUnpublishVolume`, and the Mountpoint pod's uid where
/// the mount is shared. Cheap to clone.
#[derive(Debug, Clone)]
pub struct CleanupContext {
    volume_id: Arc<str>,
    target_path: Arc<str>,
    write_path: Arc<Path>,
    mountpoint_pod_uid: Option<Arc<str>>,
}

impl CleanupContext {
    /// Parses an unpublish request. `mountpoint_pod_uid` is given where `provide` had it, and can
    /// be left out: the lease is then found by its holder.
    pub fn from_unpublish_request(
        request: &UnpublishRequest,
        write_path: impl AsRef<Path>,
        mountpoint_pod_uid: Option<&str>,
    ) -> Result<Self, Failure> {
        check_id("volumeId", &request.volume_id)?;
        check_id("targetPath", &request.target_path)?;
        let mountpoint_pod_uid = mountpoint_pod_uid.filter(|uid| !uid.is_empty());
        if let Some(uid) = mountpoint_pod_uid {
            check_id("the Mountpoint pod's uid", uid)?;
        }
        Ok(Self {
            volume_id: request.volume_id.as_str().into(),
            target_path: request.target_path.as_str().into(),
            write_path: write_path.as_ref().into(),
            mountpoint_pod_uid: mountpoint_pod_uid.map(Into::into),
        })
    }

    /// Returns the volume's id.
    pub fn volume_id(&self) -> &str {
        &self.volume_id
    }

    /// Returns the path that the volume was published at.
    pub fn target_path(&self) -> &str {
        &self.target_path
    }

    /// Returns the directory under which the credential files were written.
    pub fn write_path(&self) -> &Path {
        &self.write_path
    }

    /// Returns the uid of the Mountpoint pod, where the caller knows it.
    pub fn mountpoint_pod_uid(&self) -> Option<&str> {
        self.mountpoint_pod_uid.as_deref()
    }

    /// Returns the uid of the pod that the lease belongs to. `None` if the request does not name
    /// it.
    pub fn lease_pod(&self) -> Option<String> {
        self.mountpoint_pod_uid
            .as_deref()
            .map(str::to_owned)
            .or_else(|| pod_uid_of(&self.target_path))
    }
}
