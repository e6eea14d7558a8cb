//! The cache itself: one slot that readers load without a lock.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use jiff::{SignedDuration, Timestamp};
use s3_credential_core::{Clock, Failure, Keys, Moment};
use tokio::runtime::Handle;

use super::entry::Entry;
use super::event::Observer;
use super::flight::State;
use super::settings::CacheSettings;

pub(super) type Fetching = Pin<Box<dyn Future<Output = Result<Keys, Failure>> + Send>>;
pub(super) type Fetch = Box<dyn Fn() -> Fetching + Send + Sync>;

pub(super) struct Store {
    pub(super) slot: ArcSwap<Entry>,
    /// Before this time (nanoseconds of `Clock::elapsed`) no reader starts a refresh.
    pub(super) next_refresh: AtomicU64,
    state: Mutex<State>,
    pub(super) fetch: Fetch,
    pub(super) settings: CacheSettings,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observer: Option<Observer>,
    pub(super) runtime: Handle,
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

    /// Returns the cached keys, if they are valid; starts a refresh that is due.
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
        entry.is_good(&self.clock.coarse()).then(|| Arc::clone(&entry.keys))
    }

    pub(super) fn refresh_at(&self) -> Option<Timestamp> {
        let now = self.clock.coarse();
        let entry = self.slot.load();
        let next = Duration::from_nanos(self.next_refresh.load(Ordering::Relaxed));
        let due_in = entry.due_in(&now).filter(|_| entry.is_good(&now))?;
        Some(later(now.now, due_in.max(next.saturating_sub(now.elapsed))))
    }

    pub(super) fn last_error(&self) -> Option<Failure> {
        let state = self.lock();
        state.trouble.as_ref().map(|trouble| trouble.failure.clone())
    }

    pub(super) fn deadline(&self) -> Duration {
        self.settings.operation_timeout
    }

    pub(super) fn precise(&self) -> Moment {
        Moment { now: self.clock.now(), elapsed: self.clock.elapsed() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Every change under the lock is one step: a poisoned one is as good as any.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn later(now: Timestamp, pause: Duration) -> Timestamp {
    let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
    now.checked_add(pause).unwrap_or(Timestamp::MAX)
}

pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Shows the expiry, the due time and the last failure, but no keys.
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedKeys")
            .field("expires_at", &self.held().and_then(|keys| keys.expires_at))
            .field("refresh_at", &self.refresh_at())
            .field("last_error", &self.last_error())
            .finish_non_exhaustive()
    }
}
