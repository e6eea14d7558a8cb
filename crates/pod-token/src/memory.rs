//! The cache of annotations of the ServiceAccounts in use, and their lifetimes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use s3_credential_core::{Changes, Clock, Signal};

use crate::annotations::Annotations;
use crate::api::Account;
use crate::settings::PodTokenSettings;
use crate::watch::Watching;

/// A watch without an event for this long may be dead: not even a bookmark came, the API server's
/// sign of life, one a minute.
pub(crate) const SILENCE: Duration = Duration::from_mins(3);

/// The memory. Instants in it are of [`Clock::elapsed`].
#[derive(Debug)]
pub(crate) struct Memory {
    clock: Arc<dyn Clock>,
    ttl: Duration,
    missing_ttl: Duration,
    stale_ttl: Duration,
    state: Mutex<State>,
    changed: Signal,
}

#[derive(Debug, Default)]
struct State {
    accounts: HashMap<Account, Known>,
    swept_at: Duration,
}

/// The result of a read of the API.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) annotations: Arc<Annotations>,
    pub(crate) resource_version: Option<String>,
}

#[derive(Debug)]
struct Known {
    seen: Seen,
    /// The time of that read.
    read_at: Duration,
    /// The time of the last request to the API, with or without success.
    asked_at: Duration,
    /// The time of the watch's last event.
    last_event_at: Option<Duration>,
    /// The pods that were served, each with when it last was.
    pods: HashMap<String, Duration>,
    watch: Watch,
}

#[derive(Debug)]
enum Watch {
    Off,
    On(Watching),
    /// The driver may not watch: it is not tried again for this account.
    Refused,
}

impl Watch {
    fn is_on(&self) -> bool {
        matches!(self, Self::On(watching) if watching.is_running())
    }
}

impl Memory {
    pub(crate) fn new(settings: &PodTokenSettings, clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            ttl: settings.annotation_ttl,
            missing_ttl: settings.missing_annotation_ttl,
            stale_ttl: settings.stale_annotation_ttl,
            state: Mutex::default(),
            changed: Signal::default(),
        }
    }

    pub(crate) fn changes(&self) -> Changes {
        self.changed.subscribe()
    }

    /// Returns the annotations if they count as current, for a pod that was served before.
    pub(crate) fn fresh(&self, account: &Account, pod: &str) -> Option<Arc<Annotations>> {
        let now = self.clock.elapsed();
        let mut state = self.state();
        self.sweep(&mut state, now);
        let known = state.accounts.get_mut(account)?;
        let ttl = if known.seen.annotations.has_role() { self.ttl } else { self.missing_ttl };
        let is_watched = known.watch.is_on() && now.saturating_sub(known.read_at) < SILENCE;
        let was_just_asked = now.saturating_sub(known.asked_at) < ttl && self.may_serve(known, now);
        if !is_watched && !was_just_asked {
            return None;
        }
        *known.pods.get_mut(pod)? = now;
        Some(Arc::clone(&known.seen.annotations))
    }

    /// Returns what was read some minutes ago, for a pod that was served before, since the API does
    /// not answer. The API is not asked again at once.
    pub(crate) fn stale(&self, account: &Account, pod: &str) -> Option<Arc<Annotations>> {
        let now = self.clock.elapsed();
        let mut state = self.state();
        let known = state.accounts.get_mut(account).filter(|known| self.may_serve(known, now))?;
        *known.pods.get_mut(pod)? = now;
        known.asked_at = now;
        Some(Arc::clone(&known.seen.annotations))
    }

    /// Returns the present, for [`remember`](Self::remember).
    pub(crate) fn now(&self) -> Duration {
        self.clock.elapsed()
    }

    /// Keeps what was read for this pod by a request that was sent at this instant. An event of the
    /// watch since then is newer.
    pub(crate) fn remember(&self, account: &Account, pod: &str, seen: Seen, asked_at: Duration) {
        let now = self.clock.elapsed();
        let mut state = self.state();
        self.sweep(&mut state, now);
        let known = state.accounts.entry(account.clone()).or_insert_with(|| Known {
            seen: seen.clone(),
            read_at: now,
            asked_at: now,
            last_event_at: None,
            pods: HashMap::new(),
            watch: Watch::Off,
        });
        known.pods.insert(pod.to_owned(), now);
        let is_older = known.watch.is_on() && known.last_event_at.is_some_and(|at| at >= asked_at);
        if !is_older {
            self.update(account, known, seen, now);
        }
    }

    /// Keeps the event of the watch. `None` is a mere sign of life.
    pub(crate) fn apply_event(&self, account: &Account, seen: Option<Seen>) {
        let now = self.clock.elapsed();
        if let Some(known) = self.state().accounts.get_mut(account) {
            let seen = seen.unwrap_or_else(|| known.seen.clone());
            known.last_event_at = Some(now);
            self.update(account, known, seen, now);
        }
    }

    /// Forgets the account: it is gone, or cannot be read any more, and the next read will show
    /// which.
    pub(crate) fn forget(&self, account: &Account) {
        if self.state().accounts.remove(account).is_some() {
            self.notify(account);
        }
    }

    /// Starts a watch from the version that is known, unless there is one or must not be one.
    pub(crate) fn watch(&self, account: &Account, start: impl FnOnce(String) -> Watching) {
        let mut state = self.state();
        if let Some(known) = state.accounts.get_mut(account)
            && !known.watch.is_on()
            && !matches!(known.watch, Watch::Refused)
            && let Some(version) = known.seen.resource_version.clone()
        {
            known.watch = Watch::On(start(version));
        }
    }

    /// The watch has ended. It begins again after the next read, unless it was refused.
    pub(crate) fn unwatched(&self, account: &Account, refused: bool) {
        if let Some(known) = self.state().accounts.get_mut(account) {
            known.watch = if refused { Watch::Refused } else { Watch::Off };
            known.seen.resource_version = None;
        }
    }

    /// Reports a change of this account. The volumes of other service accounts are not affected.
    fn notify(&self, account: &Account) {
        self.changed.notify_service_account(&account.namespace, &account.name);
    }

    fn update(&self, account: &Account, known: &mut Known, seen: Seen, now: Duration) {
        known.read_at = now;
        known.asked_at = now;
        let changed = known.seen.annotations != seen.annotations;
        known.seen = seen;
        if changed {
            self.notify(account);
        }
    }

    fn may_serve(&self, known: &Known, now: Duration) -> bool {
        now.saturating_sub(known.read_at) < self.stale_ttl
    }

    /// Forgets pods that are not served any longer, and with its last pod the account and its
    /// watch; now and then is enough.
    fn sweep(&self, state: &mut State, now: Duration) {
        if now.saturating_sub(state.swept_at) < self.ttl {
            return;
        }
        state.swept_at = now;
        state.accounts.retain(|_, known| {
            known.pods.retain(|_, served_at| now.saturating_sub(*served_at) < self.stale_ttl);
            !known.pods.is_empty()
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change under this lock is one step: a poisoned one is as good as any.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
