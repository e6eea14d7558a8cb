//! Looks at file systems, which never return where the process of one hangs.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Parts;
use crate::mounts::Usage;

/// How long a file system may take to answer. One whose process hangs never does.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The file systems whose look has not returned in time. None of them is looked at again until it
/// does: each look holds a thread.
#[derive(Debug, Clone, Default)]
pub(super) struct Looks(Arc<Mutex<HashSet<PathBuf>>>);

/// What a look at a file system found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Usage(Usage),
    /// Its process has ended.
    Disconnected,
    /// It does not answer.
    Silent,
    /// It answers with an error.
    Failed,
}

impl Looks {
    fn hung(&self) -> MutexGuard<'_, HashSet<PathBuf>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Parts {
    pub(super) async fn look(&self, path: &Path) -> Look {
        if self.looks.hung().contains(path) {
            return Look::Silent;
        }
        let (mounts, looks, at) = (Arc::clone(&self.mounts), self.looks.clone(), path.to_owned());
        let has_returned = Arc::new(AtomicBool::new(false));
        let returned = Arc::clone(&has_returned);
        let looking = tokio::task::spawn_blocking(move || {
            let found = mounts.usage(&at);
            let mut hung = looks.hung();
            returned.store(true, Ordering::Relaxed);
            hung.remove(&at);
            found
        });
        match tokio::time::timeout(TIMEOUT, looking).await {
            Ok(Ok(Ok(usage))) => Look::Usage(usage),
            Ok(Ok(Err(error)))
                if error.raw_os_error() == Some(rustix::io::Errno::NOTCONN.raw_os_error()) =>
            {
                Look::Disconnected
            }
            Ok(_) => Look::Failed,
            Err(_) => {
                let mut hung = self.looks.hung();
                // A look that has returned by now would never remove the path again.
                if !has_returned.load(Ordering::Relaxed) {
                    hung.insert(path.to_owned());
                }
                Look::Silent
            }
        }
    }
}
