//! A watch: changes as they happen, one JSON object a line.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, stream};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::resource::Kind;
use super::selector::Selector;
use super::status::Status;
use super::store::{Change, Store};

/// The way in which a test ends a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchEnd {
    /// The body ends, as it does when the server's time for a watch is up: the client resumes.
    Close,
    /// An ERROR event with a `410 Expired` status, then the end: the client must list again.
    Expire,
}

/// The last ending. A watch ends with the first that is sent after its start.
pub(super) type Endings = watch::Sender<Option<WatchEnd>>;

/// The parameters of a watch.
#[derive(Debug)]
pub(super) struct WatchRequest {
    pub(super) kind: Kind,
    pub(super) namespace: String,
    pub(super) selector: Selector,
    /// The revision after which to begin, or none to begin with everything that is there now.
    pub(super) since: Option<u64>,
    pub(super) bookmarks: bool,
    /// Whether the end of the initial events is to be marked (`sendInitialEvents`).
    pub(super) mark_initial: bool,
    pub(super) timeout: Option<Duration>,
}

/// The body of the answer. It goes on until the client's time-out, an ending, or the client's
/// leaving. A revision that is too old is reported in it, as an ERROR event.
pub(super) fn body(
    store: &Arc<Store>,
    endings: &Endings,
    request: WatchRequest,
) -> impl Stream<Item = Bytes> + Send + use<> {
    let mut lines = VecDeque::new();
    let cursor = request.since.unwrap_or_else(|| {
        let (objects, revision) = store.list(request.kind, &request.namespace);
        let wanted = objects.into_iter().filter(|object| request.selector.matches(object));
        lines.extend(wanted.map(|object| event("ADDED", &object)));
        if request.mark_initial {
            lines.push_back(bookmark(request.kind, revision, true));
        }
        revision
    });
    let mut watcher = Watcher {
        store: Arc::clone(store),
        revision: store.subscribe(),
        ending: endings.subscribe(),
        deadline: request.timeout.map(|timeout| Instant::now() + timeout),
        request,
        cursor,
        lines,
        over: false,
    };
    if let Err(status) = store.may_watch_from(cursor) {
        watcher.fail(&status);
    }
    stream::unfold(watcher, |mut watcher| async {
        let line = watcher.next_line().await?;
        Some((line, watcher))
    })
}

struct Watcher {
    store: Arc<Store>,
    revision: watch::Receiver<u64>,
    ending: watch::Receiver<Option<WatchEnd>>,
    deadline: Option<Instant>,
    request: WatchRequest,
    /// Up to here the client knows everything.
    cursor: u64,
    lines: VecDeque<Bytes>,
    over: bool,
}

impl Watcher {
    async fn next_line(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Some(line);
            }
            if self.over {
                return None;
            }
            self.revision.borrow_and_update();
            self.read_changes();
            if self.lines.is_empty() && !self.over {
                self.wait().await;
            }
        }
    }

    fn read_changes(&mut self) {
        let (changes, reached) = match self.store.changes_since(self.request.kind, self.cursor) {
            Ok(read) => read,
            Err(status) => return self.fail(&status),
        };
        let mut sent = self.cursor;
        for change in &changes {
            if let Some(line) = self.event_of(change) {
                self.lines.push_back(line);
                sent = change.revision;
            }
        }
        // A bookmark wherever a change was none of this client's: no timer, and the client's
        // revision never grows old.
        if self.request.bookmarks && sent < reached {
            self.lines.push_back(bookmark(self.request.kind, reached, false));
        }
        self.cursor = reached;
    }

    /// Returns the event of a change. With a selector, an object may enter or leave the client's
    /// view without being created or deleted.
    fn event_of(&self, change: &Change) -> Option<Bytes> {
        let namespace = &self.request.namespace;
        if !namespace.is_empty() && change.key.namespace != *namespace {
            return None;
        }
        let visible = |object: &Option<Value>| {
            object.clone().filter(|object| self.request.selector.matches(object))
        };
        match (visible(&change.before), visible(&change.after)) {
            (None, None) => None,
            (None, Some(object)) => Some(event("ADDED", &object)),
            (Some(_), Some(object)) => Some(event("MODIFIED", &object)),
            (Some(mut object), None) => {
                object["metadata"]["resourceVersion"] = json!(change.revision.to_string());
                Some(event("DELETED", &object))
            }
        }
    }

    async fn wait(&mut self) {
        let deadline = self.deadline;
        let time_is_up = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ended = self.ending.changed() => self.end(ended.is_ok()),
            _ = self.revision.changed() => {}
            () = time_is_up => self.over = true,
        }
    }

    /// Ends the stream. Changes before the end are sent first; without an emulator there are none
    /// left.
    fn end(&mut self, emulator_lives: bool) {
        self.over = true;
        if emulator_lives {
            self.read_changes();
            let ending = *self.ending.borrow_and_update();
            if ending == Some(WatchEnd::Expire) {
                self.fail(&Status::expired(self.cursor, self.cursor));
            }
        }
    }

    fn fail(&mut self, status: &Status) {
        self.lines.push_back(event("ERROR", &status.object()));
        self.over = true;
    }
}

fn event(kind: &str, object: &Value) -> Bytes {
    let mut line = json!({"type": kind, "object": object}).to_string();
    line.push('\n');
    line.into()
}

fn bookmark(kind: Kind, revision: u64, ends_initial: bool) -> Bytes {
    let mut metadata = json!({"resourceVersion": revision.to_string(), "creationTimestamp": null});
    if ends_initial {
        metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
    }
    event("BOOKMARK", &json!({"kind": kind.name(), "apiVersion": "v1", "metadata": metadata}))
}
