//! Exchanged keys of one identity, kept fresh: reads never wait while valid keys are there.

// In the order in which data flows.
mod settings;
mod schedule;
mod clock;

mod entry;
mod event;
mod flight;
mod store;
mod fetching;
#[cfg(feature = "endpoint")]
mod source;

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;

use arc_swap::Guard;
use jiff::Timestamp;
use s3_credential_core::{Clock, Failure, Keys};
use tokio::runtime::Handle;

use entry::Entry;
use event::Observer;
use store::{Fetch, Store};

pub use clock::KernelClock;
pub use event::CacheEvent;
pub use settings::CacheSettings;

/// The keys of one identity. Cheap to clone; all clones are one cache.
///
/// # Guarantees
/// [`current`](Self::current) takes no lock, does not allocate and reads only the coarse clock. A
/// task of the runtime refreshes keys that are due, one fetch at a time, while the old ones are
/// handed out. A fetch that fails leaves them until they expire. Callers of [`get`](Self::get)
/// share one fetch, and its failure, when no keys are cached. Keys expire by the wall clock, and
/// after as much time as they were valid for, whichever is first: no jump of the wall clock and no
/// suspended machine makes them last longer.
///
/// # Assumptions
/// The upstream retries by itself, within a budget of its own. Between reads the cache does no
/// work: to keep keys fresh for a rare reader, read them at [`refresh_at`](Self::refresh_at).
///
/// # Errors
/// Those of the upstream; a retryable one of the kind `timed-out` where it does not answer in time.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), s3_credential_core::Failure> {
/// use s3_credential_core::Keys;
/// use s3_credential_provider::CachedKeys;
/// use tokio::runtime::Handle;
///
/// let fetch = || async { Ok(Keys::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI")) };
/// let cached = CachedKeys::builder(fetch).build(Handle::current());
/// assert!(cached.current().is_none(), "no keys are fetched before the first call");
/// cached.get().await?;
/// assert_eq!(cached.current().map(|keys| keys.access_key_id.len()), Some(20));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct CachedKeys(Arc<Store>);

impl CachedKeys {
    /// Keys that `fetch` makes.
    pub fn builder<F, Fut>(fetch: F) -> CachedKeysBuilder
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Keys, Failure>> + Send + 'static,
    {
        CachedKeysBuilder {
            fetch: Box::new(move || Box::pin(fetch())),
            settings: CacheSettings::default(),
            clock: Arc::new(KernelClock),
            keys: None,
            observer: None,
        }
    }

    /// Returns the keys, if valid ones are there. Starts a refresh that is due, and does not wait
    /// for it.
    pub fn current(&self) -> Option<CurrentKeys> {
        self.0.current().map(CurrentKeys)
    }

    /// Returns the keys: at once if valid ones are there, else as soon as they are fetched. To be
    /// awaited within a tokio runtime.
    pub async fn get(&self) -> Result<Arc<Keys>, Failure> {
        if let Some(keys) = self.current() {
            return Ok(keys.share());
        }
        let deadline = self.0.deadline();
        tokio::time::timeout(deadline, self.0.load())
            .await
            .unwrap_or_else(|_| Err(fetching::timed_out("no keys were fetched", deadline)))
    }

    /// Drops the keys, as after a service has refused them. The next caller waits for new ones,
    /// even if a fetch is under way, which may bring the same ones again.
    pub fn invalidate(&self) {
        self.0.invalidate();
    }

    /// Returns the expiry of the cached keys. `None` if none are cached or they do not expire.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.0.held()?.expires_at
    }

    /// Returns the time from which a read triggers a background refresh, backoff included. `None`
    /// if no keys are cached or they do not expire.
    pub fn refresh_at(&self) -> Option<Timestamp> {
        self.0.refresh_at()
    }

    /// Returns the failure of the last fetch; `None` if it succeeded.
    pub fn last_error(&self) -> Option<Failure> {
        self.0.last_error()
    }
}

impl fmt::Debug for CachedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Valid keys, read from a cache. For use at once: to hold them for longer, take a
/// [`share`](Self::share).
pub struct CurrentKeys(Guard<Arc<Entry>>);

impl CurrentKeys {
    /// Returns the keys, to be kept.
    pub fn share(&self) -> Arc<Keys> {
        Arc::clone(&self.0.keys)
    }
}

impl Deref for CurrentKeys {
    type Target = Keys;

    fn deref(&self) -> &Keys {
        &self.0.keys
    }
}

impl fmt::Debug for CurrentKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.keys.fmt(f)
    }
}

/// Builds a [`CachedKeys`].
pub struct CachedKeysBuilder {
    fetch: Fetch,
    settings: CacheSettings,
    clock: Arc<dyn Clock>,
    keys: Option<Keys>,
    observer: Option<Observer>,
}

impl CachedKeysBuilder {
    /// Sets how the keys are kept fresh.
    #[must_use]
    pub fn settings(mut self, settings: CacheSettings) -> Self {
        self.settings = settings;
        self
    }

    /// The source of time; [`KernelClock`] where unset.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Keys that an earlier run has fetched; no use is made of them if they have ended.
    #[must_use]
    pub fn keys(mut self, keys: Keys) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Sets an observer of the result of each fetch. The fetching task calls it, so it must be
    /// quick.
    #[must_use]
    pub fn observer(mut self, observer: impl Fn(&CacheEvent) + Send + Sync + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// The cache, whose keys are fetched by tasks of this runtime.
    pub fn build(self, runtime: Handle) -> CachedKeys {
        let store = Store::new(self.fetch, self.settings, self.clock, self.observer, runtime);
        if let Some(keys) = self.keys {
            store.seed(keys);
        }
        CachedKeys(Arc::new(store))
    }
}

impl fmt::Debug for CachedKeysBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedKeysBuilder")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
