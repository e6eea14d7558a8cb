//! The token and keys that the next run needs to go on serving a lease by the endpoint. One file
//! for each lease, 0600, in memory only: on a disk no file is kept, and a new run hands out new
//! tokens.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use s3_credential_core::{ErrorKind, Failure, Keys, Secret};
use s3_credential_delivery::{StatePath, is_in_memory};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Where the state path keeps tokens and keys. The leading dot keeps it out of the journal's
/// records.
const DIRECTORY: &str = ".endpoint";

/// A lease's token, and the keys that were served last.
pub(crate) struct CheckpointEntry {
    pub(crate) token: Secret,
    pub(crate) keys: Keys,
}

/// The kept secrets of all leases.
#[derive(Debug, Clone)]
pub(crate) struct Checkpoint(Arc<Path>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reading {
    token: Secret,
    access_key_id: Secret,
    secret_access_key: Secret,
    session_token: Option<Secret>,
    expires_at: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Writing<'a> {
    token: &'a str,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    session_token: Option<&'a str>,
    expires_at: Option<Timestamp>,
}

impl Checkpoint {
    pub(crate) fn new(state_path: &Path) -> Self {
        Self(state_path.join(DIRECTORY).into())
    }

    /// Returns whether the state path is in memory: no secret is kept on a disk.
    pub(crate) fn is_in_memory(&self) -> bool {
        // It may not exist yet: then what holds it decides.
        let existing = self.0.ancestors().skip(1).find(|path| path.exists());
        existing.is_some_and(is_in_memory)
    }

    pub(crate) fn read(&self, name: &str) -> Option<CheckpointEntry> {
        let bytes = Zeroizing::new(self.opened().ok()??.read(name).ok()??);
        let read: Reading = serde_json::from_slice(&bytes).ok()?;
        let mut keys = Keys::new(read.access_key_id, read.secret_access_key);
        keys.session_token = read.session_token;
        keys.expires_at = read.expires_at;
        Some(CheckpointEntry { token: read.token, keys })
    }

    /// Keeps the served token and keys. The lease is still served if that fails.
    pub(crate) fn write(&self, name: &str, token: &Secret, keys: &Keys) {
        if let Err(failure) = self.try_write(name, token, keys) {
            tracing::warn!(%failure, "the next run cannot go on serving a lease of the endpoint");
        }
    }

    fn try_write(&self, name: &str, token: &Secret, keys: &Keys) -> Result<(), Failure> {
        if !self.0.parent().is_some_and(is_in_memory) {
            return Err(Failure::new(ErrorKind::FileSystem, "the state path is on a disk"));
        }
        let state = StatePath::open(&self.0)?;
        let writing = Writing {
            token: token.expose(),
            access_key_id: keys.access_key_id.expose(),
            secret_access_key: keys.secret_access_key.expose(),
            session_token: keys.session_token.as_ref().map(Secret::expose),
            expires_at: keys.expires_at,
        };
        // Room for all of it at once, so that no partial copy stays behind.
        let room = 1024 + 2 * keys.session_token.as_ref().map_or(0, Secret::len);
        let mut bytes = Zeroizing::new(Vec::with_capacity(room));
        serde_json::to_writer(&mut *bytes, &writing)
            .map_err(|_| Failure::new(ErrorKind::Internal, "keys cannot be written as JSON"))?;
        state.write(name, &bytes)
    }

    /// Forgets a lease's; there being none is fine.
    pub(crate) fn remove(&self, name: &str) -> Result<(), Failure> {
        self.opened()?.map_or(Ok(()), |state| state.remove(name).map(drop))
    }

    /// The names of all leases of which something is kept.
    pub(crate) fn names(&self) -> Result<Vec<String>, Failure> {
        self.opened()?.map_or(Ok(Vec::new()), |state| state.names())
    }

    /// Removes what a crash left half-written.
    pub(crate) fn sweep(&self) -> Result<Vec<PathBuf>, Failure> {
        self.opened()?.map_or(Ok(Vec::new()), |state| state.sweep())
    }

    /// The directory, once something was kept.
    fn opened(&self) -> Result<Option<StatePath>, Failure> {
        StatePath::open_if_exists(&self.0)
    }
}
