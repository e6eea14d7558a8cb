//! One operation on a lease at a time, within this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

/// A lock for each lease that is being worked on, and none for any other.
#[derive(Debug, Default)]
pub(crate) struct VolumeLocks(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

/// The right to work on one lease.
pub(crate) struct VolumeGuard<'a> {
    locks: &'a VolumeLocks,
    name: String,
    guard: Option<OwnedMutexGuard<()>>,
}

impl VolumeLocks {
    /// Waits until no one else works on this lease.
    pub(crate) async fn lock(&self, name: &str) -> VolumeGuard<'_> {
        let lock = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(locks.entry(name.to_owned()).or_default())
        };
        // The turn exists before the wait, so that one who gives up waiting cleans up as well.
        let mut guard = VolumeGuard { locks: self, name: name.to_owned(), guard: None };
        guard.guard = Some(lock.lock_owned().await);
        guard
    }
}

impl Drop for VolumeGuard<'_> {
    fn drop(&mut self) {
        self.guard = None;
        let mut locks = self.locks.0.lock().unwrap_or_else(PoisonError::into_inner);
        if locks.get(&self.name).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            locks.remove(&self.name);
        }
    }
}
