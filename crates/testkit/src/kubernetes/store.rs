//! The objects, and the history of their changes that watches read.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{ids, lock};

use super::resource::{Key, Kind, text};
use super::status::Status;

/// The most changes that a watch may resume over; etcd's window is five minutes of them.
const HISTORY: usize = 1000;

/// One change of one object.
#[derive(Clone)]
pub(super) struct Change {
    pub(super) revision: u64,
    pub(super) key: Key,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
}

pub(super) struct Store {
    state: Mutex<State>,
    revision: watch::Sender<u64>,
}

struct State {
    revision: u64,
    /// The oldest revision that a watch may start from.
    oldest: u64,
    /// The newest revision that has left the history. A running watch that is behind it has missed
    /// something.
    forgotten: u64,
    objects: BTreeMap<Key, Value>,
    history: VecDeque<Change>,
}

impl Store {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                revision: 1,
                oldest: 1,
                forgotten: 0,
                objects: BTreeMap::new(),
                history: VecDeque::new(),
            }),
            revision: watch::Sender::new(1),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn revision(&self) -> u64 {
        self.state().revision
    }

    /// Subscribes to every new revision.
    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    pub(super) fn get(&self, key: &Key) -> Result<Value, Status> {
        let state = self.state();
        state.objects.get(key).cloned().ok_or_else(|| Status::not_found(key))
    }

    /// Returns the objects of a kind, of one namespace unless `namespace` is empty, and the
    /// revision at which this was so.
    pub(super) fn list(&self, kind: Kind, namespace: &str) -> (Vec<Value>, u64) {
        let state = self.state();
        let objects = state.objects.iter();
        let wanted = objects.filter(|(key, _)| {
            key.kind == kind && (namespace.is_empty() || key.namespace == namespace)
        });
        (wanted.map(|(_, object)| object.clone()).collect(), state.revision)
    }

    /// Stores a new object, or the next state of one that is there: `next` is given what there is
    /// and says what there shall be. The server's own fields (uid, creation time, resource version)
    /// are not the caller's to choose, but for the uid of a new object.
    pub(super) fn write(
        &self,
        key: &Key,
        now: &str,
        next: impl FnOnce(Option<&Value>) -> Result<Value, Status>,
    ) -> Result<Value, Status> {
        let mut state = self.state();
        let before = state.objects.get(key).cloned();
        let mut object = next(before.as_ref())?;
        let revision = state.revision + 1;
        let metadata = metadata_of(key, &object, before.as_ref(), now, revision);
        object["apiVersion"] = json!("v1");
        object["kind"] = json!(key.kind.name());
        object["metadata"] = metadata;
        if before.as_ref().is_some_and(|before| same_but_revision(before, &object)) {
            return Ok(before.expect("just seen"));
        }
        state.objects.insert(key.clone(), object.clone());
        self.record(&mut state, key, before, Some(object.clone()));
        Ok(object)
    }

    /// Removes an object and answers its last state.
    pub(super) fn delete(&self, key: &Key) -> Result<Value, Status> {
        let mut state = self.state();
        let object = state.objects.remove(key).ok_or_else(|| Status::not_found(key))?;
        self.record(&mut state, key, Some(object.clone()), None);
        Ok(object)
    }

    fn record(&self, state: &mut State, key: &Key, before: Option<Value>, after: Option<Value>) {
        state.revision += 1;
        let revision = state.revision;
        state.history.push_back(Change { revision, key: key.clone(), before, after });
        if state.history.len() > HISTORY {
            state.forgotten = state.history.pop_front().expect("not empty").revision;
            state.oldest = state.oldest.max(state.forgotten);
        }
        self.revision.send_replace(revision);
    }

    /// Returns the changes of a kind after `revision`, and the revision that the answer reaches.
    pub(super) fn changes_since(
        &self,
        kind: Kind,
        revision: u64,
    ) -> Result<(Vec<Change>, u64), Status> {
        let state = self.state();
        if revision < state.forgotten {
            return Err(Status::expired(revision, state.oldest));
        }
        let changes = state.history.iter();
        let changes =
            changes.filter(|change| change.revision > revision && change.key.kind == kind);
        // A watch may begin in the future, and then stays there until the store has caught up.
        Ok((changes.cloned().collect(), revision.max(state.revision)))
    }

    /// Returns whether a watch may start after `revision`.
    pub(super) fn may_watch_from(&self, revision: u64) -> Result<(), Status> {
        let state = self.state();
        if revision < state.oldest {
            return Err(Status::expired(revision, state.oldest));
        }
        Ok(())
    }

    /// No watch may start from what was until now, as after etcd's compaction. Running ones have
    /// their history still.
    pub(super) fn compact(&self) {
        let mut state = self.state();
        // A revision of its own, so that what a client has just seen is too old as well.
        state.revision += 1;
        state.oldest = state.revision;
        self.revision.send_replace(state.revision);
    }
}

fn metadata_of(
    key: &Key,
    object: &Value,
    before: Option<&Value>,
    now: &str,
    revision: u64,
) -> Value {
    let mut metadata = match object.get("metadata") {
        Some(metadata @ Value::Object(_)) => metadata.clone(),
        _ => json!({}),
    };
    metadata["name"] = json!(key.name);
    if key.kind.is_namespaced() {
        metadata["namespace"] = json!(key.namespace);
    }
    let (uid, created_at) = match before {
        Some(before) => {
            (text(before, "/metadata/uid"), text(before, "/metadata/creationTimestamp"))
        }
        None => (text(object, "/metadata/uid"), now),
    };
    metadata["uid"] = if uid.is_empty() { json!(ids::uuid()) } else { json!(uid) };
    metadata["creationTimestamp"] = json!(created_at);
    metadata["resourceVersion"] = json!(revision.to_string());
    metadata
}

/// A write without a change makes no event, as in the real server.
fn same_but_revision(before: &Value, after: &Value) -> bool {
    let mut after = after.clone();
    after["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"].clone();
    *before == after
}
