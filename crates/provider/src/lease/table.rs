//! The leases of this process: what they were last provided with, and when each is due.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use s3_credential_core::{Change, ErrorKind, Failure, PlannedFile, ProvideContext};
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
    /// Of what was found there last; nothing where it was written since.
    pub(crate) fingerprint: Option<Fingerprint>,
    pub(crate) due_at: Option<Timestamp>,
    /// Refreshes that failed one after the other.
    pub(crate) failures: u32,
    // Boxed, since of many leases few have one.
    pub(crate) last_error: Option<Box<Failure>>,
}

impl Lease {
    /// Whether there is more to read than before, as far as it can be told of a lease that was adopted.
    pub(crate) fn brings_more_than(&self, old: &Self) -> bool {
        match &old.files {
            Some(_) => self.files != old.files,
            None => self.record.expires_at != old.record.expires_at,
        }
    }

    /// Of an adopted lease the pod's tokens are gone with the old process: the next republish brings them, and nobody need be told.
    pub(crate) fn waits_for_republish(&self, failure: &Failure) -> bool {
        self.files.is_none()
            && matches!(failure.kind(), ErrorKind::MissingToken | ErrorKind::NoSource)
    }
}

#[derive(Debug, Default)]
struct Table {
    leases: HashMap<Arc<str>, Lease>,
    due: BTreeSet<(Timestamp, Arc<str>)>,
    /// By the hash of a volume and a target path that holds it: a hint, which the lease's record has to confirm.
    by_holder: HashMap<u64, Arc<str>>,
    hasher: RandomState,
}

/// All leases by name, and in the order in which they are due.
#[derive(Debug, Default)]
pub(crate) struct LeaseTable {
    table: Mutex<Table>,
    /// Told when the first due lease may be another one.
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
        let first = table.due.first().cloned();
        table.forget_due(&name);
        if let Some(at) = lease.due_at {
            table.due.insert((at, Arc::clone(&name)));
        }
        table.forget_holders(&name);
        table.note_holders(&name, &lease.record);
        table.leases.insert(name, lease);
        if table.due.first() != first.as_ref() {
            self.rescheduled.notify_one();
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<Lease> {
        self.table().leases.get(name).cloned()
    }

    /// Another process, or a call that renews nothing, has changed the record.
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

    /// The records of all leases, by name; without the environment, which the next republish or refresh writes.
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

    /// When the next lease is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.table().due.first().map(|(at, _)| *at)
    }

    /// Takes a lease that is due off the schedule; whoever refreshes it puts it back.
    pub(crate) fn take_due(&self, now: Timestamp) -> Option<Arc<str>> {
        let mut table = self.table();
        let name =
            table.due.first().filter(|(at, _)| *at <= now).map(|(_, name)| Arc::clone(name))?;
        table.forget_due(&name);
        Some(name)
    }
}

impl Table {
    fn forget_due(&mut self, name: &str) {
        if let Some(lease) = self.leases.get_mut(name)
            && let Some(at) = lease.due_at.take()
        {
            self.due.remove(&(at, name.into()));
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
