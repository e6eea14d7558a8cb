//! The service's logic: publish, unpublish, start and the state of volumes, on plain types.

mod condition;
mod looks;
mod memory;
mod report;
mod publish;
mod startup;
mod unpublish;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use s3_credential_provider::{MountTarget, Owner, RunningProvider};

use crate::cluster::{Cluster, Events};
use crate::error::CallError;
use crate::mount_id::{MountId, PluginDirectory};
use crate::mounter::{MountOwner, Mounter};
use crate::mounts::{MountEntry, Mounts, is_mounted, mounted_at};
use crate::volume::{VolumeRecord, VolumeStore};
use crate::volume_locks::VolumeLocks;

use looks::Looks;

pub use condition::{VolumeCondition, VolumeStats};
pub use memory::MemoryBudget;
pub use startup::StartReport;

/// What an operator sets.
#[derive(Debug, Clone)]
pub struct NodeOptions {
    /// How long Mountpoint may take to be ready.
    pub mount_timeout: Duration,
    /// The memory that all mounts share; unlimited where unset.
    pub memory: Option<MemoryBudget>,
    /// The prefix of Mountpoint's user agent.
    pub user_agent: String,
    /// The kubelet's directory on the host. A target path outside of it is warned of.
    pub kubelet_dir: Option<PathBuf>,
}

/// All that a call needs. Cheap to clone; all clones are one node service.
#[derive(Debug, Clone)]
pub struct Node(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    options: NodeOptions,
    directory: PluginDirectory,
    mounts: Arc<dyn Mounts>,
    mounter: Arc<dyn Mounter>,
    credentials: RunningProvider,
    volumes: VolumeStore,
    locks: VolumeLocks,
    looks: Looks,
    /// Whether mounts may have been stopped while no mounter listened.
    has_leftovers: AtomicBool,
    cluster: OnceLock<(Cluster, Option<Events>)>,
}

impl Node {
    /// Puts the parts together. Call [`Node::start`] before the first call.
    pub fn new(
        options: NodeOptions,
        directory: PluginDirectory,
        mounts: Arc<dyn Mounts>,
        mounter: Arc<dyn Mounter>,
        credentials: RunningProvider,
        volumes: VolumeStore,
    ) -> Self {
        Self(Arc::new(Parts {
            options,
            directory,
            mounts,
            mounter,
            credentials,
            volumes,
            locks: VolumeLocks::default(),
            looks: Looks::default(),
            has_leftovers: AtomicBool::new(true),
            cluster: OnceLock::new(),
        }))
    }

    /// Returns the provider, for its events and leases.
    pub fn credentials(&self) -> &RunningProvider {
        &self.0.credentials
    }

    /// Returns the volumes.
    pub fn volumes(&self) -> &VolumeStore {
        &self.0.volumes
    }

    /// Returns when no publish or unpublish is under way.
    pub async fn idle(&self) {
        self.0.locks.idle().await;
    }

    /// Asks the mounter for its processes, as a check of readiness.
    pub async fn check_mounter(&self) -> Result<(), CallError> {
        self.0.mounter.list().await?;
        Ok(())
    }

    /// Stops the provider once no clone is left; otherwise its tasks end with the process.
    pub async fn stop(self) {
        if let Some(parts) = Arc::into_inner(self.0) {
            parts.credentials.stop().await;
        }
    }
}

impl Parts {
    /// Runs a blocking operation of the kernel.
    async fn blocking<T: Send + 'static>(
        &self,
        action: &str,
        work: impl FnOnce(&dyn Mounts) -> io::Result<T> + Send + 'static,
    ) -> Result<T, CallError> {
        let mounts = Arc::clone(&self.mounts);
        let done = tokio::task::spawn_blocking(move || work(&*mounts)).await;
        done.unwrap_or_else(|error| Err(io::Error::other(error)))
            .map_err(|error| CallError::internal(format!("cannot {action}: {error}")))
    }

    async fn entries(&self) -> Result<Vec<MountEntry>, CallError> {
        self.blocking("read the mount table", Mounts::list).await
    }

    /// Unmounts a path as often as something is mounted there.
    async fn unmount(&self, path: &Path) -> Result<(), CallError> {
        while is_mounted(&self.entries().await?, path) {
            let path = path.to_owned();
            let action = format!("unmount {}", path.display());
            self.blocking(&action, move |mounts| mounts.unmount(&path)).await?;
        }
        Ok(())
    }

    /// Returns whether the volume itself is what is mounted at its target path.
    fn is_at_target(&self, entries: &[MountEntry], id: &MountId, record: &VolumeRecord) -> bool {
        let source = mounted_at(entries, &self.directory.source(id));
        mounted_at(entries, record.target_path.as_ref())
            .is_some_and(|target| source.is_none_or(|source| source.device == target.device))
    }

    /// Returns the description of a mount for the provider.
    fn target(&self, id: &MountId, owner: Option<MountOwner>) -> MountTarget {
        let target = MountTarget::new(self.directory.credentials_of(id));
        match owner {
            Some(MountOwner { uid, gid }) => target.with_owner(Owner { uid, gid }),
            None => target,
        }
    }
}
