//! "Something changed", from a source to what keeps its volumes fresh; without a runtime.

use std::collections::{BTreeSet, HashMap};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

/// The sending half: held by a source.
#[derive(Debug, Clone, Default)]
pub struct Signal(Arc<Mutex<State>>);

/// The receiving half. It does not report changes from before it was created. Dropping it ends the
/// subscription.
#[derive(Debug)]
pub struct Changes {
    state: Arc<Mutex<State>>,
    seen: u64,
}

/// A change, and the volumes that it affects.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Something that any volume of the source may depend on.
    Any,
    /// Only what belongs to these service accounts, each as `namespace/name`.
    ServiceAccounts(BTreeSet<String>),
}

impl Change {
    /// Returns whether the change affects a volume at pod level with this service account
    /// (`namespace/name`), or a volume without one.
    pub fn affects(&self, service_account: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::ServiceAccounts(changed) => {
                service_account.is_none_or(|account| changed.contains(account))
            }
        }
    }
}

#[derive(Debug, Default)]
struct State {
    version: u64,
    /// The version of the last change that may affect any volume.
    any: u64,
    /// The version of the last change of each service account.
    service_accounts: HashMap<String, u64>,
    subscribers: usize,
    waiting: Vec<Waker>,
}

impl State {
    fn record(&mut self, service_account: String) {
        if self.service_accounts.len() >= MAX_SERVICE_ACCOUNTS {
            self.service_accounts.clear();
            self.any = self.version;
        }
        self.service_accounts.insert(service_account, self.version);
    }

    fn since(&self, seen: u64) -> Change {
        if self.any > seen {
            return Change::Any;
        }
        let changed = self.service_accounts.iter().filter(|(_, version)| **version > seen);
        Change::ServiceAccounts(changed.map(|(account, _)| account.clone()).collect())
    }
}

/// The most service accounts that are recorded one by one; beyond it, the change affects any
/// volume.
const MAX_SERVICE_ACCOUNTS: usize = 4096;

impl Signal {
    /// Reports a change to every subscriber. Several changes before a subscriber looks are reported
    /// once.
    pub fn notify(&self) {
        self.report(|state| state.any = state.version);
    }

    /// Reports a change of what belongs to one service account. Volumes of others are not affected.
    pub fn notify_service_account(&self, namespace: &str, name: &str) {
        self.report(|state| state.record(format!("{namespace}/{name}")));
    }

    /// Reports the change that another signal has reported.
    pub fn forward(&self, change: Change) {
        match change {
            Change::Any => self.notify(),
            Change::ServiceAccounts(changed) => {
                self.report(|state| changed.into_iter().for_each(|account| state.record(account)));
            }
        }
    }

    fn report(&self, record: impl FnOnce(&mut State)) {
        let waiting = {
            let mut state = lock(&self.0);
            state.version += 1;
            record(&mut state);
            std::mem::take(&mut state.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Returns a subscription that begins now.
    pub fn subscribe(&self) -> Changes {
        let mut state = lock(&self.0);
        state.subscribers += 1;
        Changes { state: Arc::clone(&self.0), seen: state.version }
    }

    /// Returns whether there is a subscriber: a source that polls for changes stops without one.
    pub fn has_subscribers(&self) -> bool {
        lock(&self.0).subscribers > 0
    }
}

impl Changes {
    /// Waits for a change since the last call, and returns it. Dropping the future loses no change.
    pub async fn changed(&mut self) -> Change {
        poll_fn(|context| {
            let mut state = lock(&self.state);
            if state.version != self.seen {
                let change = state.since(self.seen);
                self.seen = state.version;
                return Poll::Ready(change);
            }
            if !state.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                state.waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        lock(&self.state).subscribers -= 1;
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // No update can be half-done here, so a poisoned lock can be used like any other.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
