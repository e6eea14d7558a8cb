//! The leases in the state path: one record each, which no two processes hold at once.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use s3_credential_core::{ErrorKind, Failure};
use s3_credential_delivery::{Generation, Lock, StatePath, WritePath};
use serde::{Deserialize, Serialize};

use super::{LeaseKey, LeaseRecord, LeaseTable, RefreshFailure};

/// The version of the format. A record of another version is foreign.
const VERSION: u32 = 1;

/// How often to look whether another process has done its work on the same lease.
const LOCK_POLL: Duration = Duration::from_millis(10);

#[derive(Serialize, Deserialize)]
struct Entry<R> {
    version: u32,
    lease: R,
}

/// The journal. The state path is made by the first lock or write, so that what only reads makes
/// none. A removed one is created again, with the records of the leases that this process has.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    path: PathBuf,
    state: Arc<ArcSwapOption<StatePath>>,
    leases: Arc<LeaseTable>,
    /// How long to wait for another process that works on the same lease: as long as that may take.
    patience: Duration,
}

impl Journal {
    pub(crate) fn new(path: PathBuf, leases: Arc<LeaseTable>, patience: Duration) -> Self {
        Self { path, state: Arc::default(), leases, patience }
    }

    /// The state path.
    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// The state path, which is made if it is not there.
    fn state(&self) -> Result<Arc<StatePath>, Failure> {
        self.state.load_full().map_or_else(|| self.open(), Ok)
    }

    fn open(&self) -> Result<Arc<StatePath>, Failure> {
        let state = Arc::new(StatePath::open(&self.path)?);
        self.state.store(Some(Arc::clone(&state)));
        Ok(state)
    }

    /// The state path, if it is there.
    fn existing_state(&self) -> Result<Option<Arc<StatePath>>, Failure> {
        match self.state.load_full() {
            Some(state) if !state.is_gone() => Ok(Some(state)),
            // A lock makes a state path again that was removed. A mere read changes no file.
            Some(_) => Ok(StatePath::open_if_exists(&self.path)?.map(Arc::new)),
            None => {
                let state = StatePath::open_if_exists(&self.path)?.map(Arc::new);
                self.state.store(state.clone());
                Ok(state)
            }
        }
    }

    fn make_again(&self) -> Result<Arc<StatePath>, Failure> {
        let state = self.open()?;
        let records = self.leases.records();
        tracing::warn!(leases = records.len(), "the state path was removed, and is made again");
        for (name, record) in records {
            // Who holds the lock, or has written a record, knows more.
            if let Some(mut lock) = state.try_lock(&name)?
                && !lock.has_record()
            {
                lock.write(&encode(&record)?)?;
            }
        }
        Ok(state)
    }

    /// Waits for the lease's entry, which is locked until it is dropped. A record that was lost,
    /// although this process has the lease and its directory is there, is written again.
    pub(crate) async fn lock(&self, key: &LeaseKey) -> Result<LockedEntry, Failure> {
        let lock = self.wait_for(&key.name).await?;
        let (found, record) = LockedEntry::read(&lock)?;
        let mut entry = LockedEntry { key: key.clone(), lock, found, record, written: None };
        if entry.is_new()
            && let Some(record) = self.lost(key)
        {
            tracing::warn!(entry = key.name, "a record was removed, and is written again");
            entry.write(&record)?;
            (entry.found, entry.record) = (entry.written.take(), Some(record));
        }
        Ok(entry)
    }

    /// The record in memory of a lease whose directory is still there: its cleanup would have
    /// removed that first.
    fn lost(&self, key: &LeaseKey) -> Option<Arc<LeaseRecord>> {
        let record = self.leases.get(&key.name)?.record;
        let write_path = WritePath::open_if_exists(&record.write_path).ok()??;
        (record.is_live() && write_path.contains(&record.directory)).then_some(record)
    }

    /// Waits for the entry of this name. Only its record identifies the lease: one whose lease has
    /// another name is foreign, and is treated as unreadable.
    pub(crate) async fn lock_named(&self, name: &str) -> Result<LockedEntry, Failure> {
        let lock = self.wait_for(name).await?;
        let (found, record) = LockedEntry::read(&lock)?;
        let key = record.as_deref().map(LeaseKey::of_record).filter(|key| key.name == name);
        let record = record.filter(|_| key.is_some());
        let key = key.unwrap_or_else(|| LeaseKey {
            write_path: PathBuf::new(),
            directory: String::new(),
            name: name.to_owned(),
        });
        Ok(LockedEntry { key, lock, found, record, written: None })
    }

    async fn wait_for(&self, name: &str) -> Result<Lock, Failure> {
        let mut state = self.state()?;
        let attempts = self.patience.as_millis() / LOCK_POLL.as_millis();
        for _ in 0..=attempts {
            let lock = match state.try_lock(name) {
                Err(_) if state.is_gone() => {
                    state = self.make_again()?;
                    state.try_lock(name)?
                }
                lock => lock?,
            };
            if let Some(lock) = lock {
                return Ok(lock);
            }
            tokio::time::sleep(LOCK_POLL).await;
        }
        Err(Failure::new(ErrorKind::Busy, "another operation on the same volume holds its lock"))
    }

    /// Returns the record of this name; `None` if there is none, or none that this version can
    /// read.
    pub(crate) fn read_named(&self, name: &str) -> Result<Option<LeaseRecord>, Failure> {
        let Some(state) = self.existing_state()? else { return Ok(None) };
        Ok(state.read(name)?.and_then(|bytes| decode_or_warn(name, &bytes)))
    }

    /// Returns the generation of the record of this name, which changes with every write.
    pub(crate) fn generation(&self, name: &str) -> Option<Generation> {
        self.state.load().as_ref()?.generation(name)
    }

    /// Whether there is a record of this name, readable or not.
    pub(crate) fn has(&self, name: &str) -> Result<bool, Failure> {
        self.existing_state()?.map_or(Ok(false), |state| state.has(name))
    }

    /// The names of all records.
    pub(crate) fn names(&self) -> Result<Vec<String>, Failure> {
        self.existing_state()?.map_or_else(|| Ok(Vec::new()), |state| state.names())
    }

    /// Removes what a crash left half-written.
    pub(crate) fn sweep(&self) -> Result<Vec<PathBuf>, Failure> {
        self.existing_state()?.map_or_else(|| Ok(Vec::new()), |state| state.sweep())
    }

    /// The lease that this target path holds for this volume.
    pub(crate) fn find(
        &self,
        volume_id: &str,
        holder: &str,
    ) -> Result<Option<LeaseRecord>, Failure> {
        Ok(self.records()?.find(|record| record.is_held_by(volume_id, holder)))
    }

    /// All records that can be read. One that cannot is the trouble of its own lease alone.
    pub(crate) fn records(&self) -> Result<impl Iterator<Item = LeaseRecord>, Failure> {
        let names = self.names()?;
        Ok(names.into_iter().filter_map(|name| match self.read_named(&name) {
            Ok(record) => record,
            Err(failure) => {
                tracing::warn!(entry = name, %failure, "a journal entry cannot be read");
                None
            }
        }))
    }

    /// How many target paths hold the leases that Mountpoint pods share for this volume.
    pub(crate) fn shared_holders(&self, volume_id: &str) -> Result<usize, Failure> {
        let shared = |record: &LeaseRecord| {
            record.is_live()
                && record.context.volume_id() == volume_id
                && record.context.target().mountpoint_pod_uid.is_some()
        };
        Ok(self.records()?.filter(shared).map(|record| record.holders.len()).sum())
    }
}

/// A lease's entry, for who alone works on it.
#[derive(Debug)]
pub(crate) struct LockedEntry {
    pub(crate) key: LeaseKey,
    lock: Lock,
    /// What was there when it was locked.
    found: Option<Vec<u8>>,
    record: Option<Arc<LeaseRecord>>,
    /// What is there instead.
    written: Option<Vec<u8>>,
}

/// The bytes of an entry, and the record that they are.
type Read = (Option<Vec<u8>>, Option<Arc<LeaseRecord>>);

impl LockedEntry {
    fn read(lock: &Lock) -> Result<Read, Failure> {
        let found = lock.read()?;
        let record = found.as_deref().and_then(|bytes| decode_or_warn(lock.name(), bytes));
        Ok((found, record.map(Arc::new)))
    }

    /// Returns the same as [`Journal::generation`]; `None` where this entry was written.
    pub(crate) fn generation(&self) -> Option<Generation> {
        self.lock.generation()
    }

    /// Returns whether there was no record when it was locked.
    pub(crate) fn is_new(&self) -> bool {
        self.found.is_none()
    }

    /// Returns whether there was an entry that this version cannot read: a lease of another
    /// version, which may be live.
    pub(crate) fn is_unreadable(&self) -> bool {
        self.found.is_some() && self.record.is_none()
    }

    /// Returns the record that was there; `None` if there was none, or none that this version can
    /// read.
    pub(crate) fn record(&self) -> Option<Arc<LeaseRecord>> {
        self.record.clone()
    }

    /// The record that was there, if a Mountpoint may be running with it.
    pub(crate) fn live(&self) -> Option<Arc<LeaseRecord>> {
        self.record().filter(|record| record.is_live())
    }

    /// Writes the record, unless it is what is there already.
    pub(crate) fn write(&mut self, record: &LeaseRecord) -> Result<(), Failure> {
        let bytes = encode(record)?;
        if self.written.as_ref().or(self.found.as_ref()) != Some(&bytes) {
            self.lock.write(&bytes)?;
            self.written = Some(bytes);
        }
        Ok(())
    }

    /// Records why a refresh of a live lease failed, unless the record says so already. Best
    /// effort: only reports read it.
    pub(crate) fn note_failure(&mut self, failure: &Failure, now: Timestamp) {
        let written = self.written.as_deref().and_then(decode).map(Arc::new);
        let Some(record) = written.or(self.record()).filter(|record| record.is_live()) else {
            return;
        };
        let failure = RefreshFailure::new(failure, now);
        if record.last_failure.as_ref().is_some_and(|noted| noted.is_same(&failure)) {
            return;
        }
        let noted =
            LeaseRecord { last_failure: Some(Box::new(failure)), ..LeaseRecord::clone(&record) };
        if let Err(failure) = self.write(&noted) {
            tracing::debug!(entry = self.key.name, %failure, "the journal cannot record a failed refresh");
        }
    }

    /// Writes the previous record again. If there was none, the caller is to remove the entry.
    pub(crate) fn restore(&mut self) -> Result<(), Failure> {
        if let (Some(found), Some(_)) = (&self.found, self.written.take()) {
            self.lock.write(found)?;
        }
        Ok(())
    }

    /// Removes the entry.
    pub(crate) fn remove(self) -> Result<(), Failure> {
        self.lock.remove()
    }
}

fn decode_or_warn(name: &str, bytes: &[u8]) -> Option<LeaseRecord> {
    let record = decode(bytes);
    if record.is_none() {
        tracing::warn!(entry = name, "a journal entry is unreadable or of another version");
    }
    record
}

pub(crate) fn encode(record: &LeaseRecord) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(&Entry { version: VERSION, lease: record }).map_err(|error| {
        Failure::new(ErrorKind::Internal, "a lease cannot be written as JSON").with_cause(error)
    })
}

pub(crate) fn decode(bytes: &[u8]) -> Option<LeaseRecord> {
    let entry: Entry<LeaseRecord> = serde_json::from_slice(bytes).ok()?;
    (entry.version == VERSION).then_some(entry.lease)
}
