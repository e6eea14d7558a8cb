//! The recorded requests of a server.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Mutex;

use tokio::sync::watch;

use super::{REQUESTS_KEPT, Request};
use crate::lock;

/// Counts by operation, and the last requests.
pub(super) struct Log {
    requests: Mutex<VecDeque<Request>>,
    // A channel, so that a test can wait for a call instead of sleeping.
    calls: watch::Sender<Calls>,
}

impl Log {
    pub(super) fn add(&self, operation: &str, request: &Request) {
        let mut requests = lock(&self.requests);
        if requests.len() == REQUESTS_KEPT {
            requests.pop_front();
        }
        requests.push_back(request.clone());
        drop(requests);
        self.calls.send_modify(|calls| *calls.0.entry(operation.to_owned()).or_default() += 1);
    }

    pub(super) fn calls(&self) -> Calls {
        self.calls.borrow().clone()
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        lock(&self.requests).iter().cloned().collect()
    }

    pub(super) async fn called(&self, operation: &str, count: usize) {
        // The sender lives in `self`, so the channel cannot be closed here.
        let _ = self.calls.subscribe().wait_for(|calls| calls.of(operation) >= count).await;
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { requests: Mutex::default(), calls: watch::Sender::new(Calls::default()) }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.calls().fmt(f)
    }
}

/// Counts of calls by operation name, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls(BTreeMap<String, usize>);

impl Calls {
    /// Calls of one operation.
    pub fn of(&self, operation: &str) -> usize {
        self.0.get(operation).copied().unwrap_or_default()
    }

    /// Calls of all operations.
    pub fn total(&self) -> usize {
        self.0.values().sum()
    }

    /// Every operation that was called, with its count, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, usize)> {
        self.0.iter().map(|(operation, count)| (operation.as_str(), *count))
    }
}
