//! The key of a lease: the write path, the pod that mounts and the volume, as names.

use std::path::{Path, PathBuf};

use s3_credential_core::ProvideContext;
use s3_credential_delivery::{WritePath, directory_name};

use super::LeaseRecord;

/// Which lease: one for each (write path, pod that mounts, volume).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct LeaseKey {
    /// Without symbolic links.
    pub(crate) write_path: PathBuf,
    /// The lease's directory under the write path.
    pub(crate) directory: String,
    /// The lease's name in the state path.
    pub(crate) name: String,
}

impl LeaseKey {
    /// Every spelling of a write path is one lease.
    pub(crate) fn new(write_path: &Path, pod: Option<&str>, volume_id: &str) -> Self {
        Self::in_directory(canonical(write_path), directory_name(pod, volume_id))
    }

    /// The lease of a publish.
    pub(crate) fn of(context: &ProvideContext) -> Self {
        Self::new(&context.target().write_path, context.lease_pod(), context.volume_id())
    }

    /// The lease of a publish below this write path.
    pub(crate) fn below(write_path: &WritePath, context: &ProvideContext) -> Self {
        let directory = directory_name(context.lease_pod(), context.volume_id());
        Self::in_directory(write_path.canonical(), directory)
    }

    pub(crate) fn of_record(record: &LeaseRecord) -> Self {
        Self::in_directory(record.write_path.clone(), record.directory.clone())
    }

    /// The lease of a directory under a canonical write path.
    pub(crate) fn in_directory(write_path: PathBuf, directory: String) -> Self {
        let name = directory_name(Some(&write_path.to_string_lossy()), &directory);
        Self { write_path, directory, name }
    }

    /// The lease's directory, as Mountpoint sees it.
    pub(crate) fn env_directory(&self, context: &ProvideContext) -> PathBuf {
        let target = context.target();
        target.env_path.as_deref().unwrap_or(&target.write_path).join(&self.directory)
    }
}

/// Returns a path without symbolic links, or the path unchanged where it cannot be resolved, which
/// a later call reports.
pub(crate) fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
