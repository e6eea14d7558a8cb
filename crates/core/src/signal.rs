//! "Something changed", from a source to whoever keeps its volumes fresh; without a runtime.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// The sending half: held by a source.
#[derive(Debug, Clone, Default)]
pub struct Signal(Arc<Mutex<State>>);

/// The receiving half. Changes that happened before it was taken are not told. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Changes {
    state: Arc<Mutex<State>>,
    seen: u64,
}

#[derive(Debug, Default)]
struct State {
    version: u64,
    subscribers: usize,
    waiting: Vec<Waker>,
}

impl Signal {
    /// Tells every subscriber that something changed; changes that no one waited for are told once.
    pub fn notify(&self) {
        let waiting = {
            let mut state = lock(&self.0);
            state.version += 1;
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// A subscription that begins now.
    pub fn subscribe(&self) -> Changes {
        let mut state = lock(&self.0);
        state.subscribers += 1;
        Changes { state: Arc::clone(&self.0), seen: state.version }
    }

    /// Whether anybody listens: a source that has to look for changes by itself stops where no one does.
    pub fn has_subscribers(&self) -> bool {
        lock(&self.0).subscribers > 0
    }
}

impl Changes {
    /// Waits until something has changed since the last call. Dropping the future loses nothing.
    pub async fn changed(&mut self) {
        poll_fn(|context| {
            let mut state = lock(&self.state);
            if state.version != self.seen {
                self.seen = state.version;
                return Poll::Ready(());
            }
            if !state.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                state.waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        lock(&self.state).subscribers -= 1;
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Nothing can be half-done in there: a poisoned lock is as good as any.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
