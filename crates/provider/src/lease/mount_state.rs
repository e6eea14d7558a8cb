//! Whether a Mountpoint may be running with what a lease delivered.

use std::sync::Arc;

use s3_credential_core::{Failure, ProvideContext};
use s3_credential_delivery::WritePath;

use super::{LeaseKey, LeaseRecord, LockedEntry};

/// What is known of the mount of a lease. Computed once, under the lease's lock.
#[derive(Debug, Clone)]
pub(crate) enum MountState {
    /// No Mountpoint runs: what is there is replaced.
    Unmounted,
    /// The record knows what a running Mountpoint has.
    Live(Arc<LeaseRecord>),
    /// A Mountpoint may run, and there is no record of what it has: the caller knows of it, the
    /// record cannot be read, or the state path was lost. What is there stays.
    Unknown,
}

impl MountState {
    /// The state of a publish, by what the caller knows, the journal and the write path.
    pub(crate) fn of_publish(
        context: &ProvideContext,
        entry: &Result<LockedEntry, Failure>,
        write_path: Option<&WritePath>,
        key: &LeaseKey,
    ) -> Self {
        if context.target().mounted == Some(false) {
            return Self::Unmounted;
        }
        let Ok(entry) = entry else { return Self::Unknown };
        if let Some(live) = entry.live() {
            return Self::Live(live);
        }
        let is_left = || write_path.is_some_and(|path| path.contains(&key.directory));
        let may_run = context.target().mounted == Some(true)
            || entry.is_unreadable()
            || (entry.is_new() && is_left());
        if may_run { Self::Unknown } else { Self::Unmounted }
    }

    /// The record of a running Mountpoint.
    pub(crate) fn live(&self) -> Option<&LeaseRecord> {
        match self {
            Self::Live(record) => Some(record),
            Self::Unmounted | Self::Unknown => None,
        }
    }

    /// Whether a Mountpoint may be running.
    pub(crate) fn may_be_mounted(&self) -> bool {
        !matches!(self, Self::Unmounted)
    }

    /// Returns whether the target path of a publish may be mounted already, so that a final code
    /// could tear its mount down. A further pod that wants to share a live mount has no mount to
    /// lose yet.
    pub(crate) fn concerns(&self, context: &ProvideContext) -> bool {
        match self {
            Self::Unmounted => false,
            Self::Live(record) => {
                context.target().mounted == Some(true)
                    || record.holders.contains(context.target_path())
            }
            Self::Unknown => true,
        }
    }
}
