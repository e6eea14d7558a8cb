//! One operation at a time for each volume and each target path.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::error::CallError;

/// The volumes and target paths with an operation under way.
#[derive(Debug, Clone, Default)]
pub struct VolumeLocks(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    held: Mutex<HashSet<Key>>,
    released: Notify,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Volume(String),
    Target(String),
}

/// Holds the lock of a volume and its target path until it is dropped.
#[derive(Debug)]
pub struct VolumeGuard {
    locks: VolumeLocks,
    keys: [Key; 2],
}

impl VolumeLocks {
    /// Takes the lock, or fails with ABORTED if another operation holds it.
    pub fn try_lock(&self, volume_id: &str, target_path: &str) -> Result<VolumeGuard, CallError> {
        let keys = [Key::Volume(volume_id.to_owned()), Key::Target(target_path.to_owned())];
        let mut held = self.held();
        if keys.iter().any(|key| held.contains(key)) {
            return Err(CallError::busy(volume_id));
        }
        held.extend(keys.iter().cloned());
        Ok(VolumeGuard { locks: self.clone(), keys })
    }

    /// Returns when no operation is under way.
    pub async fn idle(&self) {
        loop {
            let released = self.0.released.notified();
            if self.held().is_empty() {
                return;
            }
            released.await;
        }
    }

    fn held(&self) -> MutexGuard<'_, HashSet<Key>> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for VolumeGuard {
    fn drop(&mut self) {
        let mut held = self.locks.held();
        for key in &self.keys {
            held.remove(key);
        }
        drop(held);
        self.locks.0.released.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code: a failed expectation stops the test")]

    use tonic::Code;

    use super::*;

    #[tokio::test]
    async fn a_second_operation_on_a_volume_or_a_target_is_aborted_until_the_first_ends() {
        let locks = VolumeLocks::default();
        let guard = locks.try_lock("v", "/t").unwrap();
        for (volume, target) in [("v", "/t"), ("v", "/other"), ("other", "/t")] {
            assert_eq!(locks.try_lock(volume, target).unwrap_err().code, Code::Aborted);
        }
        locks.try_lock("other", "/other").unwrap();
        let idle = tokio::spawn({
            let locks = locks.clone();
            async move { locks.idle().await }
        });
        tokio::task::yield_now().await;
        assert!(!idle.is_finished());
        drop(guard);
        idle.await.unwrap();
        locks.try_lock("v", "/t").unwrap();
    }
}
