//! The open connections of an endpoint: their limits, and which of them closes when another one
//! needs its place.

mod slot;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use slot::Slot;
pub(super) use slot::{Connection, Standing};

/// The limits of open connections.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) total: usize,
    pub(super) per_volume: usize,
    pub(super) unauthenticated: usize,
}

/// The table of open connections. All clones are one table.
#[derive(Debug, Clone)]
pub(super) struct Connections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limits: Limits,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    open: HashMap<u64, Arc<Slot>>,
    /// Numbers connections and their requests, in the order in which they came.
    last: u64,
}

impl Connections {
    pub(super) fn new(limits: Limits) -> Self {
        Self(Arc::new(Inner { limits, table: Mutex::default() }))
    }

    /// Takes one more connection, if the limits leave room for it.
    pub(super) fn admit(&self) -> Option<Connection> {
        let mut table = self.lock();
        let unauthenticated = table.open.values().filter(|slot| slot.volume().is_none()).count();
        let Limits { total, unauthenticated: limit, .. } = self.0.limits;
        if table.open.len() >= total || unauthenticated >= limit {
            return None;
        }
        let number = table.next();
        let slot = Arc::new(Slot::new(number));
        table.open.insert(number, Arc::clone(&slot));
        Some(Connection::new(self.clone(), slot))
    }

    /// Asks a connection to close for another one. The oldest one without a token goes first, since
    /// it had the most time to show one; then the idle one that was used least recently, of the
    /// volume that has the most.
    pub(super) fn make_room(&self) {
        let table = self.lock();
        let staying = || table.open.values().filter(|slot| !slot.is_leaving());
        let oldest =
            staying().filter(|slot| slot.volume().is_none()).min_by_key(|slot| slot.number);
        if let Some(slot) = oldest {
            return slot.leave();
        }
        let mut counts = HashMap::<Arc<str>, usize>::new();
        for volume in staying().filter_map(|slot| slot.volume()) {
            *counts.entry(volume).or_default() += 1;
        }
        let crowd = |slot: &Slot| slot.volume().and_then(|volume| counts.get(&volume).copied());
        let last = staying()
            .min_by_key(|slot| (slot.is_busy(), std::cmp::Reverse(crowd(slot)), slot.last_used()));
        if let Some(slot) = last {
            slot.leave();
        }
    }

    /// Notes that a connection has shown the token of a volume. The volume's least recently used
    /// idle connection closes, where it has more than its share; where all are busy, this
    /// connection closes after its answer.
    fn authenticate(&self, slot: &Slot, volume: &str) -> Standing {
        let mut table = self.lock();
        slot.used(table.next());
        if slot.volume().as_deref() == Some(volume) {
            return Standing::Member;
        }
        slot.belongs_to(volume);
        let is_peer =
            |other: &&Arc<Slot>| !other.is_leaving() && other.volume().as_deref() == Some(volume);
        if table.open.values().filter(is_peer).count() <= self.0.limits.per_volume {
            return Standing::Member;
        }
        let idle = table.open.values().filter(is_peer);
        let idle = idle.filter(|other| other.number != slot.number && !other.is_busy());
        match idle.min_by_key(|other| other.last_used()) {
            Some(other) => {
                other.leave();
                Standing::Member
            }
            None => Standing::Excess,
        }
    }

    fn remove(&self, number: u64) {
        self.lock().open.remove(&number);
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}
