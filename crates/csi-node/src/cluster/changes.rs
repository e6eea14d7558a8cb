//! Changes of state that the user of a pod should know of, each reported once.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use s3_credential_provider::{ErrorKind, Failure, PodInfo};
use tokio::sync::mpsc;

/// How many events may wait to be written. More are dropped: they would be out of date.
const QUEUE_LEN: usize = 256;

/// How many volumes are remembered. A pod that never starts is not always unpublished.
const MAX_VOLUMES: usize = 4_096;

/// How long one event may take to be written.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest note, in bytes (events.k8s.io/v1, `note`).
const MAX_NOTE_LEN: usize = 1_024;

/// Where events are written.
#[async_trait]
pub trait EventSink: fmt::Debug + Send + Sync + 'static {
    /// Writes one event.
    ///
    /// # Errors
    /// `permission-denied` where the API refuses, `unavailable` where it does not answer.
    async fn send(&self, event: &PodEvent) -> Result<(), Failure>;
}

/// The pod that an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodRef {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The uid; empty where it is unknown.
    pub uid: String,
}

impl PodRef {
    /// Returns the pod, if the kubelet named it (`podInfoOnMount`).
    pub fn of(pod: &PodInfo) -> Option<Self> {
        Some(Self {
            namespace: pod.namespace.clone()?,
            name: pod.name.clone()?,
            uid: pod.uid.clone().unwrap_or_default(),
        })
    }
}

/// An event on a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodEvent {
    /// The pod.
    pub pod: PodRef,
    /// Whether something is wrong.
    pub is_warning: bool,
    /// The error kind in PascalCase, such as `NoSourceApplies`.
    pub reason: String,
    /// What is wrong and what to do, without a secret.
    pub note: String,
}

/// A volume at a target path.
pub(crate) type VolumeKey = (String, String);

#[derive(Debug, Default)]
struct VolumeState {
    failing: Option<ErrorKind>,
    is_lost: bool,
    is_changed: bool,
}

/// The state of each volume, and the queue of events. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub(crate) struct Events {
    volumes: Arc<Mutex<HashMap<VolumeKey, VolumeState>>>,
    queue: mpsc::Sender<PodEvent>,
}

impl Events {
    /// Returns the events of a service, and writes them in a task of its own.
    pub(crate) fn new(sink: Arc<dyn EventSink>) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE_LEN);
        tokio::spawn(write_all(sink, waiting));
        Self { volumes: Arc::default(), queue }
    }

    /// The volume cannot get credentials, or cannot keep them.
    pub(crate) fn fails(&self, key: &VolumeKey, pod: &PodRef, kind: ErrorKind, note: &str) {
        if self.change(key, |state| state.failing.replace(kind) != Some(kind)) {
            self.send(pod, true, &pascal_case(kind.as_str()), note);
        }
    }

    /// The volume has credentials.
    pub(crate) fn works(&self, key: &VolumeKey, pod: &PodRef) {
        if self.change(key, |state| state.failing.take().is_some()) {
            let note = format!("the credentials of volume `{}` are provided again", key.0);
            self.send(pod, false, "CredentialsProvided", &note);
        }
    }

    /// The chain now selects another identity than the mounted one.
    pub(crate) fn identity_changed(&self, key: &VolumeKey, pod: &PodRef) {
        if self.change(key, |state| !std::mem::replace(&mut state.is_changed, true)) {
            let note = format!(
                "volume `{}` keeps the identity that it was mounted with, and its configuration now selects another one; restart the pod to take it",
                key.0
            );
            self.send(pod, true, "IdentityChanged", &note);
        }
    }

    /// The volume has lost its Mountpoint process.
    pub(crate) fn lost(&self, key: &VolumeKey, pod: &PodRef, note: &str) {
        if self.change(key, |state| !std::mem::replace(&mut state.is_lost, true)) {
            self.send(pod, true, "MountpointLost", note);
        }
    }

    /// The volume is unpublished.
    pub(crate) fn forget(&self, key: &VolumeKey) {
        self.volumes.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Returns whether the state of a volume is another one after this change.
    fn change(&self, key: &VolumeKey, change: impl FnOnce(&mut VolumeState) -> bool) -> bool {
        let mut volumes = self.volumes.lock().unwrap_or_else(PoisonError::into_inner);
        if volumes.len() >= MAX_VOLUMES && !volumes.contains_key(key) {
            volumes.clear();
        }
        change(volumes.entry(key.clone()).or_default())
    }

    fn send(&self, pod: &PodRef, is_warning: bool, reason: &str, note: &str) {
        let (pod, reason, note) = (pod.clone(), reason.to_owned(), shortened(note));
        if self.queue.try_send(PodEvent { pod, is_warning, reason, note }).is_err() {
            tracing::debug!("an event is dropped: too many wait");
        }
    }
}

/// Writes events one after the other. The first failure is logged, and the next one after a
/// success.
async fn write_all(sink: Arc<dyn EventSink>, mut waiting: mpsc::Receiver<PodEvent>) {
    let mut is_failing = false;
    while let Some(event) = waiting.recv().await {
        let written = tokio::time::timeout(SEND_TIMEOUT, sink.send(&event)).await;
        let written = written.unwrap_or_else(|_| {
            Err(Failure::new(ErrorKind::TimedOut, "the Kubernetes API does not answer in time"))
        });
        if let (Err(failure), false) = (&written, is_failing) {
            tracing::warn!("cannot write events: {failure} ({})", failure.help());
        }
        is_failing = written.is_err();
    }
}

/// `no-source-applies` becomes `NoSourceApplies`.
fn pascal_case(kind: &str) -> String {
    let word = |word: &str| {
        let mut characters = word.chars();
        let first = characters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(characters).collect::<String>()
    };
    kind.split('-').map(word).collect()
}

fn shortened(note: &str) -> String {
    let note: String = note.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if note.len() <= MAX_NOTE_LEN {
        return note;
    }
    let end = (0..=MAX_NOTE_LEN - 3).rev().find(|end| note.is_char_boundary(*end));
    format!("{}...", &note[..end.unwrap_or_default()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_a_reason_in_pascal_case() {
        for kind in ErrorKind::ALL {
            let reason = pascal_case(kind.as_str());
            assert!(reason.len() <= 128 && !reason.contains('-'), "{reason}");
            assert!(reason.starts_with(|first: char| first.is_ascii_uppercase()), "{reason}");
        }
        assert_eq!(pascal_case("no-source-applies"), "NoSourceApplies");
    }

    #[test]
    fn a_note_fits_into_an_event_and_on_a_line() {
        let note = shortened(&format!("a\n{}", "ä".repeat(1_000)));
        assert!(note.len() <= MAX_NOTE_LEN && note.ends_with("..."), "{note}");
        assert!(!note.contains('\n'));
    }
}
