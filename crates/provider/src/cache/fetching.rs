//! The filling of the cache: callers join a fetch, the fetch runs, its result is stored.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use s3_credential_core::{ErrorKind, Failure, Keys, Moment};

use super::entry::Entry;
use super::event::CacheEvent;
use super::flight::{Flight, Land, Landing, State, Trouble};
use super::schedule::pause_after;
use super::store::{Store, later, nanos};

impl Store {
    /// Keys for those who cannot do without: those that came in between, those of the fetch under
    /// way, or those of a new one.
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
    pub(super) fn depart(self: &Arc<Self>, state: &mut State) -> Flight {
        if let Some(flight) = under_way(state) {
            return flight;
        }
        let (land, flight) = Flight::new();
        state.flight = Some(flight.clone());
        self.runtime.spawn(Arc::clone(self).fly(state.generation, land));
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
        let entry = fetched.and_then(|keys| Entry::new(keys, now, &self.settings, fastrand::f64()));
        match entry {
            Ok(entry) => {
                let keys = Arc::clone(&entry.keys);
                self.slot.store(Arc::new(entry));
                self.next_refresh.store(0, Ordering::Relaxed);
                state.trouble = None;
                let event = CacheEvent::Fetched { keys: Arc::clone(&keys) };
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
        let before = state.trouble.as_ref().map_or(0, |trouble| trouble.cold_in_a_row);
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
}

enum Joined {
    Keys(Arc<Keys>),
    Flight(Flight),
}

fn under_way(state: &State) -> Option<Flight> {
    state.flight.clone().filter(Flight::is_under_way)
}

pub(super) fn timed_out(what: &str, limit: Duration) -> Failure {
    Failure::new(ErrorKind::TimedOut, format!("{what} within {} s", limit.as_secs_f64()))
}
