//! All volumes of this node: in memory, and one file each in the state path.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use s3_credential_delivery::StatePath;
use s3_credential_provider::Failure;

use super::VolumeRecord;
use crate::error::CallError;
use crate::mount_id::MountId;

/// Where the state path has the volumes. The leading dot keeps it out of the provider's leases.
const DIRECTORY: &str = ".volumes";

/// The volumes of this node.
#[derive(Debug)]
pub struct VolumeStore {
    files: StatePath,
    records: Mutex<BTreeMap<MountId, VolumeRecord>>,
    unreadable: Mutex<BTreeSet<String>>,
}

impl VolumeStore {
    /// Reads all records below a state path, and makes it if only its last component is missing. A
    /// record that cannot be read is reported and left alone.
    pub fn open(state_path: &Path) -> Result<Self, Failure> {
        StatePath::open(state_path)?;
        let files = StatePath::open(&state_path.join(DIRECTORY))?;
        files.sweep()?;
        let (mut records, mut unreadable) = (BTreeMap::new(), BTreeSet::new());
        for name in files.names()? {
            match Self::read(&files, &name) {
                Some(record) => drop(records.insert(record.id(), record)),
                None => drop(unreadable.insert(name)),
            }
        }
        for name in &unreadable {
            tracing::warn!(record = name, "cannot read the record of a volume; it is left alone");
        }
        Ok(Self { files, records: Mutex::new(records), unreadable: Mutex::new(unreadable) })
    }

    fn read(files: &StatePath, name: &str) -> Option<VolumeRecord> {
        let record: VolumeRecord = serde_json::from_slice(&files.read(name).ok()??).ok()?;
        let is_own = record.version == VolumeRecord::VERSION && record.id().as_str() == name;
        is_own.then_some(record)
    }

    /// Returns the volume of a mount.
    pub fn get(&self, id: &MountId) -> Option<VolumeRecord> {
        self.records().get(id).cloned()
    }

    /// Returns all volumes.
    pub fn all(&self) -> Vec<VolumeRecord> {
        self.records().values().cloned().collect()
    }

    /// Returns whether a record of this mount is there, readable or not.
    pub fn has(&self, id: &MountId) -> bool {
        self.records().contains_key(id) || self.unreadable().contains(id.as_str())
    }

    /// Writes a volume's record, whole or not at all.
    pub fn put(&self, record: &VolumeRecord) -> Result<(), CallError> {
        let text = serde_json::to_vec(record)
            .map_err(|error| CallError::internal(format!("cannot write a record: {error}")))?;
        let id = record.id();
        self.files.write(id.as_str(), &text).map_err(|failure| CallError::from(&failure))?;
        self.records().insert(id, record.clone());
        Ok(())
    }

    /// Removes a volume's record; a missing one is fine.
    pub fn remove(&self, id: &MountId) -> Result<(), CallError> {
        self.files.remove(id.as_str()).map_err(|failure| CallError::from(&failure))?;
        self.records().remove(id);
        self.unreadable().remove(id.as_str());
        Ok(())
    }

    fn unreadable(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.unreadable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<MountId, VolumeRecord>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code: a failed expectation stops the test")]

    use super::*;
    use crate::volume::Phase;

    fn record(volume_id: &str) -> VolumeRecord {
        VolumeRecord {
            version: VolumeRecord::VERSION,
            volume_id: volume_id.to_owned(),
            target_path: "/t".to_owned(),
            phase: Phase::Published,
            fingerprint: "f".to_owned(),
            bucket: "b".to_owned(),
            read_only: false,
            uid: Some(65_536),
            gid: Some(65_536),
            memory: None,
            role: None,
        }
    }

    #[test]
    fn one_bad_record_hides_no_other() {
        let state = tempfile::tempdir().unwrap();
        let path = state.path().join("state");
        let store = VolumeStore::open(&path).unwrap();
        store.put(&record("good")).unwrap();
        store.put(&record("newer")).unwrap();
        store.put(&record("gone")).unwrap();
        store.remove(&record("gone").id()).unwrap();
        let newer = record("newer").id();
        let file = path.join(DIRECTORY).join(newer.as_str());
        std::fs::write(&file, "{\"version\":2}\n").unwrap();

        let again = VolumeStore::open(&path).unwrap();
        assert_eq!(again.all(), [record("good")]);
        assert!(again.has(&newer));
        assert!(!again.has(&record("gone").id()));
        assert!(file.exists());
        again.remove(&newer).unwrap();
        assert!(!again.has(&newer) && !file.exists());
    }
}
