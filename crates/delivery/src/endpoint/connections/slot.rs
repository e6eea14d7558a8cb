//! One open connection, as its task and the table of connections see it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::Connections;

/// The place of an open connection in the table.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) number: u64,
    /// The volume whose token it showed last.
    volume: Mutex<Option<Arc<str>>>,
    last_used: AtomicU64,
    busy: AtomicBool,
    leaving: AtomicBool,
    leave: Notify,
}

impl Slot {
    pub(super) fn new(number: u64) -> Self {
        Self {
            number,
            volume: Mutex::default(),
            last_used: AtomicU64::new(number),
            busy: AtomicBool::new(false),
            leaving: AtomicBool::new(false),
            leave: Notify::new(),
        }
    }

    pub(super) fn volume(&self) -> Option<Arc<str>> {
        self.volume.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn belongs_to(&self, volume: &str) {
        *self.volume.lock().unwrap_or_else(PoisonError::into_inner) = Some(volume.into());
    }

    pub(super) fn used(&self, number: u64) {
        self.last_used.store(number, Ordering::Relaxed);
    }

    pub(super) fn last_used(&self) -> u64 {
        self.last_used.load(Ordering::Relaxed)
    }

    pub(super) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed)
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    pub(super) fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
        self.leave.notify_one();
    }
}

/// The state of a connection after its answer: it may stay open or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Standing {
    /// The volume has no more connections than its share.
    Member,
    /// The volume has its share of connections without this one, and all of them are busy.
    Excess,
}

/// An open connection. It leaves the table when this is dropped.
#[derive(Debug)]
pub(in super::super) struct Connection {
    connections: Connections,
    slot: Arc<Slot>,
}

impl Connection {
    pub(super) fn new(connections: Connections, slot: Arc<Slot>) -> Self {
        Self { connections, slot }
    }

    /// Notes that it has shown the token of this volume.
    pub(in super::super) fn authenticate(&self, volume: &str) -> Standing {
        self.connections.authenticate(&self.slot, volume)
    }

    /// Whether it has shown a token.
    pub(in super::super) fn is_authenticated(&self) -> bool {
        self.slot.volume().is_some()
    }

    /// Whether a request with a good token is being answered.
    pub(in super::super) fn is_busy(&self) -> bool {
        self.slot.is_busy()
    }

    /// Marks it as answering until what is returned is dropped.
    pub(in super::super) fn answering(&self) -> Answering<'_> {
        self.slot.busy.store(true, Ordering::Relaxed);
        Answering(&self.slot)
    }

    /// Returns when it must close for another connection.
    pub(in super::super) async fn must_leave(&self) {
        self.slot.leave.notified().await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.connections.remove(self.slot.number);
    }
}

/// See [`Connection::answering`].
pub(in super::super) struct Answering<'a>(&'a Slot);

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        self.0.busy.store(false, Ordering::Relaxed);
    }
}
