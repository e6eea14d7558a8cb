//! Noticing that a file was replaced.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use s3_credential_core::{Changes, Signal};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::stamp::Stamp;

/// No look is closer to the one before.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// Polls files and reports when one is another than before, by identity and
/// times: also through the links of a volume that the kubelet swaps.
///
/// One task does it for all subscribers, and only while there is one. A look is one `stat` for each
/// file, which on the kubelet's tmpfs costs about a microsecond; unlike inotify it needs no
/// rebuilding when a directory on the way is replaced, and works everywhere.
#[derive(Debug)]
pub struct Follower(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    paths: Vec<PathBuf>,
    interval: Duration,
    signal: Signal,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Follower {
    /// Looks at these files every `interval`, which is at least 100 ms.
    pub fn new(paths: impl IntoIterator<Item = PathBuf>, interval: Duration) -> Self {
        Self(Arc::new(Shared {
            paths: paths.into_iter().collect(),
            interval: interval.max(SHORTEST_INTERVAL),
            signal: Signal::default(),
            task: Mutex::default(),
        }))
    }

    /// Returns a subscription to changes from now on; `None` outside of a tokio runtime, where the
    /// files cannot be polled.
    pub fn changes(&self) -> Option<Changes> {
        let runtime = Handle::try_current().ok()?;
        let changes = self.0.signal.subscribe();
        let mut task = self.0.task();
        // It may have ended with a runtime before this one.
        if task.as_ref().is_none_or(JoinHandle::is_finished) {
            let seen = self.0.look();
            *task = Some(runtime.spawn(follow(Arc::clone(&self.0), seen)));
        }
        Some(changes)
    }
}

async fn follow(shared: Arc<Shared>, mut seen: Vec<Option<Stamp>>) {
    loop {
        sleep(shared.interval).await;
        if shared.is_over() {
            return;
        }
        let now = shared.look();
        if now != seen {
            seen = now;
            shared.signal.notify();
        }
    }
}

impl Shared {
    fn look(&self) -> Vec<Option<Stamp>> {
        self.paths.iter().map(|path| Stamp::of(path)).collect()
    }

    /// Under the lock, so that a subscriber who comes now either is seen here or starts a task of
    /// its own.
    fn is_over(&self) -> bool {
        let mut task = self.task();
        let over = !self.signal.has_subscribers();
        if over {
            *task = None;
        }
        over
    }

    fn task(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        // The value is never half-written: a poisoned lock is still good.
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
