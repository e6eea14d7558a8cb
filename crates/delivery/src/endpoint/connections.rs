//! Who is connected, and who has to go when too many are.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::{AbortHandle, Id, JoinSet};

/// Whether a connection has shown a token of a volume.
#[derive(Debug, Clone, Default)]
pub(super) struct Trust(Arc<AtomicBool>);

impl Trust {
    pub(super) fn earn(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_earned(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The tasks of the open connections. All end with it.
#[derive(Debug)]
pub(super) struct Connections {
    tasks: JoinSet<()>,
    open: HashMap<Id, Open>,
    accepted: u64,
    at_most: usize,
}

#[derive(Debug)]
struct Open {
    number: u64,
    task: AbortHandle,
    trust: Trust,
}

impl Connections {
    pub(super) fn new(at_most: usize) -> Self {
        Self { tasks: JoinSet::new(), open: HashMap::new(), accepted: 0, at_most }
    }

    /// Serves one more connection, if there is room or a stranger to send away; else it is dropped, and so closed.
    pub(super) fn admit<F>(&mut self, serve: impl FnOnce(Trust) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if self.open.len() >= self.at_most && !self.send_a_stranger_away() {
            return;
        }
        let trust = Trust::default();
        let task = self.tasks.spawn(serve(trust.clone()));
        self.accepted += 1;
        self.open.insert(task.id(), Open { number: self.accepted, task, trust });
    }

    /// The oldest has had the most time to show its token.
    fn send_a_stranger_away(&mut self) -> bool {
        let strangers = self.open.iter().filter(|(_, open)| !open.trust.is_earned());
        let oldest = strangers.min_by_key(|(_, open)| open.number).map(|(id, _)| *id);
        let Some(stranger) = oldest.and_then(|id| self.open.remove(&id)) else { return false };
        stranger.task.abort();
        true
    }

    /// Forgets a connection that has ended; pending while none has.
    pub(super) async fn ended(&mut self) {
        let ended = match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => id,
            Some(Err(error)) => error.id(),
            None => return std::future::pending().await,
        };
        self.open.remove(&ended);
    }

    /// Until the last one has ended.
    pub(super) async fn all_ended(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}
