//! The cache itself: one slot that readers load without a lock, and the fetches that fill it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use jiff::{SignedDuration, Timestamp};
use s3_credential_core::{Clock, ErrorKind, Failure, Keys, Moment};
use tokio::runtime::Handle;

use super::entry::Entry;
use super::event::{CacheEvent, Observer};
use super::flight::{Flight, Land, Landing, State, Trouble};
use super::schedule::pause_after;
use super::settings::CacheSettings;

pub(super) type Fetching = Pin<Box<dyn Future<Output = Result<Keys, Failure>> + Send>>;
pub(super) type Fetch = Box<dyn Fn() -> Fetching + Send + Sync>;

pub(super) struct Store {
    slot: ArcSwap<Entry>,
    /// Before this time (nanoseconds of `Clock::elapsed`) no reader starts a refresh.
    next_refresh: AtomicU64,
    state: Mutex<State>,
    fetch: Fetch,
    settings: CacheSettings,
    clock: Arc<dyn Clock>,
    observer: Option<Observer>,
    runtime: Handle,
}

impl Store {
    pub(super) fn new(
        fetch: Fetch,
        settings: CacheSettings,
        clock: Arc<dyn Clock>,
        observer: Option<Observer>,
        runtime: Handle,
    ) -> Self {
        Self {
            slot: ArcSwap::from_pointee(Entry::empty()),
            next_refresh: AtomicU64::new(0),
            state: Mutex::default(),
            fetch,
            settings,
            clock,
            observer,
            runtime,
        }
    }

    /// Takes keys that were fetched earlier, if they are still good.
    pub(super) fn seed(&self, keys: Keys) {
        if let Ok(entry) = Entry::new(keys, self.precise(), &self.settings, fastrand::f64()) {
            self.slot.store(Arc::new(entry));
        }
    }

    /// What is held, if it is good; starts a refresh that is due.
    pub(super) fn current(self: &Arc<Self>) -> Option<Guard<Arc<Entry>>> {
        let entry = self.slot.load();
        let now = self.clock.coarse();
        if !entry.is_good(&now) {
            return None;
        }
        if entry.is_due(&now) && self.claim_refresh(&now) {
            self.depart(&mut self.lock());
        }
        Some(entry)
    }

    /// One reader wins. Should its fetch be lost, another may try when it would have timed out.
    fn claim_refresh(&self, now: &Moment) -> bool {
        let elapsed = nanos(now.elapsed);
        let next = self.next_refresh.load(Ordering::Relaxed);
        let lost = elapsed.saturating_add(nanos(self.settings.fetch_timeout));
        elapsed >= next
            && self
                .next_refresh
                .compare_exchange(next, lost, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// Keys for those who cannot do without: those that came in between, those of the fetch under way, or those of a new one.
    pub(super) async fn load(self: &Arc<Self>) -> Result<Arc<Keys>, Failure> {
        loop {
            let flight = match self.join()? {
                Joined::Keys(keys) => return Ok(keys),
                Joined::Flight(flight) => flight,
            };
            if let Landing::Over(result) = flight.landed().await {
                return result;
            }
        }
    }

    fn join(self: &Arc<Self>) -> Result<Joined, Failure> {
        let mut state = self.lock();
        let now = self.clock.coarse();
        let entry = self.slot.load();
        if entry.is_good(&now) {
            return Ok(Joined::Keys(Arc::clone(&entry.keys)));
        }
        if let Some(flight) = under_way(&state) {
            return Ok(Joined::Flight(flight));
        }
        match &state.trouble {
            Some(trouble) if now.elapsed < trouble.pause_until => Err(trouble.failure.clone()),
            _ => Ok(Joined::Flight(self.depart(&mut state))),
        }
    }

    /// Starts a fetch, unless one is under way.
    fn depart(self: &Arc<Self>, state: &mut State) -> Flight {
        if let Some(flight) = under_way(state) {
            return flight;
        }
        let (land, flight) = Flight::new();
        state.flight = Some(flight.clone());
        self.runtime
            .spawn(Arc::clone(self).fly(state.generation, land));
        flight
    }

    async fn fly(self: Arc<Self>, generation: u64, land: Land) {
        let limit = self.settings.fetch_timeout;
        let fetched = tokio::time::timeout(limit, (self.fetch)())
            .await
            .unwrap_or_else(|_| Err(timed_out("the upstream gave no keys", limit)));
        let (landing, event) = self.land(generation, fetched);
        land.send_replace(Some(landing));
        if let (Some(observer), Some(event)) = (&self.observer, &event) {
            observer(event);
        }
    }

    fn land(
        &self,
        generation: u64,
        fetched: Result<Keys, Failure>,
    ) -> (Landing, Option<CacheEvent>) {
        let mut state = self.lock();
        if state.generation != generation {
            return (Landing::Superseded, None);
        }
        state.flight = None;
        let now = self.precise();
        let entry =
            fetched.and_then(|keys| Entry::new(keys, now, &self.settings, fastrand::f64()));
        match entry {
            Ok(entry) => {
                let keys = Arc::clone(&entry.keys);
                self.slot.store(Arc::new(entry));
                self.next_refresh.store(0, Ordering::Relaxed);
                state.trouble = None;
                let event = CacheEvent::Fetched {
                    keys: Arc::clone(&keys),
                };
                (Landing::Over(Ok(keys)), Some(event))
            }
            Err(failure) => {
                let event = self.remember(&mut state, now, failure.clone());
                (Landing::Over(Err(failure)), Some(event))
            }
        }
    }

    fn remember(&self, state: &mut State, now: Moment, failure: Failure) -> CacheEvent {
        let held = self.slot.load();
        let remaining = held.remaining(&now);
        let retry_in = remaining.map(|remaining| {
            self.settings.retry_in(
                held.lifetime(),
                remaining,
                failure.is_retryable(),
                fastrand::f64(),
            )
        });
        let next = now.elapsed.saturating_add(retry_in.unwrap_or_default());
        self.next_refresh.store(nanos(next), Ordering::Relaxed);
        let before = state
            .trouble
            .as_ref()
            .map_or(0, |trouble| trouble.cold_in_a_row);
        let cold_in_a_row = if remaining.is_none() { before + 1 } else { 0 };
        state.trouble = Some(Trouble {
            failure: failure.clone(),
            cold_in_a_row,
            pause_until: now.elapsed.saturating_add(pause_after(cold_in_a_row)),
        });
        CacheEvent::Failed {
            failure,
            retry_at: retry_in.map(|pause| later(now.now, pause)),
            expires_at: remaining.and(held.keys.expires_at),
        }
    }

    pub(super) fn invalidate(&self) {
        let mut state = self.lock();
        // A fetch under way finds another generation when it lands, and its keys are dropped.
        state.generation += 1;
        state.flight = None;
        state.trouble = None;
        self.next_refresh.store(0, Ordering::Relaxed);
        self.slot.store(Arc::new(Entry::empty()));
    }

    pub(super) fn held(&self) -> Option<Arc<Keys>> {
        let entry = self.slot.load();
        entry
            .is_good(&self.clock.coarse())
            .then(|| Arc::clone(&entry.keys))
    }

    pub(super) fn refresh_at(&self) -> Option<Timestamp> {
        let now = self.clock.coarse();
        let entry = self.slot.load();
        let next = Duration::from_nanos(self.next_refresh.load(Ordering::Relaxed));
        let due_in = entry.due_in(&now).filter(|_| entry.is_good(&now))?;
        Some(later(
            now.now,
            due_in.max(next.saturating_sub(now.elapsed)),
        ))
    }

    pub(super) fn last_error(&self) -> Option<Failure> {
        let state = self.lock();
        state.trouble.as_ref().map(|trouble| trouble.failure.clone())
    }

    pub(super) fn deadline(&self) -> Duration {
        self.settings.deadline
    }

    fn precise(&self) -> Moment {
        Moment {
            now: self.clock.now(),
            elapsed: self.clock.elapsed(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change under the lock is one step: a poisoned one is as good as any.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Joined {
    Keys(Arc<Keys>),
    Flight(Flight),
}

fn under_way(state: &State) -> Option<Flight> {
    state.flight.clone().filter(Flight::is_under_way)
}

pub(super) fn timed_out(what: &str, limit: Duration) -> Failure {
    Failure::new(
        ErrorKind::TimedOut,
        format!("{what} within {} s", limit.as_secs_f64()),
    )
}

fn later(now: Timestamp, pause: Duration) -> Timestamp {
    let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
    now.checked_add(pause).unwrap_or(Timestamp::MAX)
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Keys, settings and failures are each of their own making; nothing of them is needed to tell one cache from another.
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedKeys")
            .field("expires_at", &self.held().and_then(|keys| keys.expires_at))
            .field("refresh_at", &self.refresh_at())
            .field("last_error", &self.last_error())
            .finish_non_exhaustive()
    }
}
