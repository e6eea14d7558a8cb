//! The leases of this process: what they were last provided with, and when each is due.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use s3_credential_core::{Change, ErrorKind, Failure, Moment, PlannedFile, ProvideContext};
use tokio::sync::Notify;

use super::LeaseRecord;
use crate::resolve::Exchange;

/// A digest of a lease's record, directory, files and environment, as they were last compared.
pub(crate) type Fingerprint = NonZeroU64;

/// A lease as this process knows it.
#[derive(Debug, Clone)]
pub(crate) struct Lease {
    /// The publish that it was last provided for.
    pub(crate) context: ProvideContext,
    /// Without the environment, which only the journal needs, and which is more than all the rest.
    pub(crate) record: Arc<LeaseRecord>,
    /// What was last written; unknown of a lease that was adopted.
    pub(crate) files: Option<Arc<[PlannedFile]>>,
    /// Where its keys came from, if they were exchanged by this process.
    pub(crate) exchange: Option<Arc<Exchange>>,
    /// The fingerprint of the last check; `None` where the files were written since.
    pub(crate) fingerprint: Option<Fingerprint>,
    pub(crate) due_at: Option<Moment>,
    /// Refreshes that failed one after the other.
    pub(crate) failures: u32,
    // Boxed, since of many leases few have one.
    pub(crate) last_error: Option<Box<Failure>>,
    /// Whether the chain would have chosen another identity at the last publish.
    pub(crate) identity_changed: bool,
}

impl Lease {
    /// Returns whether there is more to read than before, as far as that is known of an adopted
    /// lease.
    pub(crate) fn brings_more_than(&self, old: &Self) -> bool {
        match &old.files {
            Some(_) => self.files != old.files,
            None => self.record.expires_at != old.record.expires_at,
        }
    }

    /// Returns whether the lease waits for the tokens of a republish. An adopted lease has lost
    /// them with the old process, which is no event to report.
    pub(crate) fn waits_for_republish(&self, failure: &Failure) -> bool {
        self.files.is_none()
            && matches!(failure.kind(), ErrorKind::MissingToken | ErrorKind::NoSource)
    }
}

#[derive(Debug, Default)]
struct Table {
    leases: HashMap<Arc<str>, Lease>,
    /// In the order of the wall clock, and in that of the clock that never jumps.
    due: BTreeSet<(Timestamp, Arc<str>)>,
    due_elapsed: BTreeSet<(Duration, Arc<str>)>,
    /// By the hash of a volume and a target path that holds it: a hint, which the lease's record
    /// has to confirm.
    by_holder: HashMap<u64, Arc<str>>,
    hasher: RandomState,
}

/// All leases by name, and in the order in which they are due.
#[derive(Debug, Default)]
pub(crate) struct LeaseTable {
    table: Mutex<Table>,
    /// Notified when the first due lease may have changed.
    pub(crate) rescheduled: Notify,
}

impl LeaseTable {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that is the same for the same, and known to no other process.
    pub(crate) fn digest(&self, of: impl Hash) -> u64 {
        let hasher = self.table().hasher.clone();
        hasher.hash_one(of)
    }

    pub(crate) fn put(&self, name: &str, lease: Lease) {
        let name: Arc<str> = name.into();
        let mut table = self.table();
        let first = table.first_due();
        table.forget_due(&name);
        if let Some(at) = lease.due_at {
            table.due.insert((at.now, Arc::clone(&name)));
            table.due_elapsed.insert((at.elapsed, Arc::clone(&name)));
        }
        table.forget_holders(&name);
        table.note_holders(&name, &lease.record);
        table.leases.insert(name, lease);
        if table.first_due() != first {
            self.rescheduled.notify_one();
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<Lease> {
        self.table().leases.get(name).cloned()
    }

    /// Sets a record that another process, or a call without a renewal, has changed.
    pub(crate) fn set_record(&self, name: &str, record: &LeaseRecord) {
        let mut table = self.table();
        table.forget_holders(name);
        if let Some((name, mut lease)) = table.leases.remove_entry(name) {
            lease.record = Arc::new(record.clone().without_environment());
            table.note_holders(&name, record);
            table.leases.insert(name, lease);
        }
    }

    /// The name of the lease that this target path probably holds for this volume.
    pub(crate) fn of_holder(&self, volume_id: &str, holder: &str) -> Option<Arc<str>> {
        let table = self.table();
        table.by_holder.get(&table.hasher.hash_one((volume_id, holder))).cloned()
    }

    pub(crate) fn remove(&self, name: &str) {
        let mut table = self.table();
        table.forget_due(name);
        table.forget_holders(name);
        table.leases.remove(name);
    }

    pub(crate) fn all(&self) -> Vec<Lease> {
        self.table().leases.values().cloned().collect()
    }

    /// Returns the record of each lease, and whether its last refresh failed.
    pub(crate) fn states(&self) -> Vec<(Arc<LeaseRecord>, bool)> {
        let table = self.table();
        let leases = table.leases.values();
        leases.map(|lease| (Arc::clone(&lease.record), lease.last_error.is_some())).collect()
    }

    /// The records of all leases, by name; without the environment, which the next republish or
    /// refresh writes.
    pub(crate) fn records(&self) -> Vec<(Arc<str>, Arc<LeaseRecord>)> {
        let table = self.table();
        let records = table.leases.iter();
        records.map(|(name, lease)| (Arc::clone(name), Arc::clone(&lease.record))).collect()
    }

    /// Returns the names of the leases of one source that a change of it affects.
    pub(crate) fn of_source(&self, source: &str, change: &Change) -> Vec<Arc<str>> {
        let table = self.table();
        let of_source = |lease: &Lease| {
            let identity = &lease.record.identity;
            identity.source.as_deref() == Some(source)
                && change.affects(identity.service_account.as_deref())
        };
        table
            .leases
            .iter()
            .filter(|(_, lease)| of_source(lease))
            .map(|(name, _)| Arc::clone(name))
            .collect()
    }

    /// Returns how long it is until the next lease is due on either clock.
    pub(crate) fn next_due(&self, reading: &Moment) -> Option<Duration> {
        let first = self.table().first_due()?;
        let on_the_wall = first.now.duration_since(reading.now).try_into().unwrap_or_default();
        Some(first.elapsed.saturating_sub(reading.elapsed).min(on_the_wall))
    }

    /// Takes a lease that is due on either clock off the schedule; its refresh puts it back.
    pub(crate) fn take_due(&self, reading: &Moment) -> Option<Arc<str>> {
        let mut table = self.table();
        let on_the_wall = table.due.first().filter(|(at, _)| *at <= reading.now);
        let elapsed = || table.due_elapsed.first().filter(|(at, _)| *at <= reading.elapsed);
        let name = on_the_wall.map(|(_, name)| name).or_else(|| Some(&elapsed()?.1)).cloned()?;
        table.forget_due(&name);
        Some(name)
    }

    /// Whether the chain would have chosen another identity at the last publish.
    pub(crate) fn identity_changed(&self, name: &str) -> bool {
        self.table().leases.get(name).is_some_and(|lease| lease.identity_changed)
    }

    /// Notes whether the chain would now choose another identity. Returns what was noted before.
    pub(crate) fn set_identity_changed(&self, name: &str, changed: bool) -> bool {
        let mut table = self.table();
        let lease = table.leases.get_mut(name);
        lease.is_some_and(|lease| std::mem::replace(&mut lease.identity_changed, changed))
    }
}

impl Table {
    /// The first moment at which a lease is due, on each clock.
    fn first_due(&self) -> Option<Moment> {
        let (now, _) = self.due.first()?;
        let (elapsed, _) = self.due_elapsed.first()?;
        Some(Moment { now: *now, elapsed: *elapsed })
    }

    fn forget_due(&mut self, name: &str) {
        if let Some(lease) = self.leases.get_mut(name)
            && let Some(at) = lease.due_at.take()
        {
            let name: Arc<str> = name.into();
            self.due_elapsed.remove(&(at.elapsed, Arc::clone(&name)));
            self.due.remove(&(at.now, name));
        }
    }

    fn forget_holders(&mut self, name: &str) {
        let Some(lease) = self.leases.get(name) else { return };
        let volume_id = lease.context.volume_id();
        for holder in &lease.record.holders {
            self.by_holder.remove(&self.hasher.hash_one((volume_id, holder.as_str())));
        }
    }

    fn note_holders(&mut self, name: &Arc<str>, record: &LeaseRecord) {
        let volume_id = record.context.volume_id();
        for holder in &record.holders {
            let hash = self.hasher.hash_one((volume_id, holder.as_str()));
            self.by_holder.insert(hash, Arc::clone(name));
        }
    }
}
