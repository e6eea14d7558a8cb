//! Cached keys, and readers that come every few minutes.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use s3_credential_core::{Clock, Keys};
use s3_credential_provider::CachedKeys;
use tokio::runtime::Handle;

use crate::week::upstream::{Calls, Upstream, WEEK, count, fewest_calls, first_life};

const IDENTITIES: usize = 1000;
const LIFE: Duration = Duration::from_hours(1);

/// How long before their end new keys are asked for at the latest: the cache's five minutes, less
/// the wait for a reader.
const WINDOW: SignedDuration = SignedDuration::from_mins(3);

/// How often a reader comes, at least, in seconds.
const PACE: u64 = 120;

/// After an outage the first call may be one that fails: the second visit finds keys.
const PATIENCE: Duration = Duration::from_secs(2 * PACE);

#[tokio::test(start_paused = true)]
async fn no_reader_of_cached_keys_goes_without_keys_that_could_have_been_there() {
    let upstream = Arc::new(Upstream::new(IDENTITIES));
    let mut chance = fastrand::Rng::with_seed(8);
    let caches: Vec<CachedKeys> =
        (0..IDENTITIES).map(|identity| cache(&upstream, identity)).collect();
    let mut ends: Vec<_> = Vec::new();
    for cache in &caches {
        let keys = loop {
            if let Ok(keys) = cache.get().await {
                break keys;
            }
        };
        ends.push(keys.expires_at.unwrap());
    }
    let mut seen = 0;
    while upstream.clock.elapsed() < WEEK {
        tokio::time::sleep(Duration::from_secs(chance.u64(PACE / 2..PACE))).await;
        for (cache, end) in caches.iter().zip(&mut ends) {
            let Some(keys) = read(cache).await else {
                let due_at = *end - WINDOW;
                assert!(upstream.is_excused(due_at, PATIENCE), "no keys, and they ended at {end}");
                continue;
            };
            *end = keys.expires_at.unwrap();
            assert!(*end > upstream.clock.now(), "keys that have ended");
            seen += 1;
        }
    }
    let calls = upstream.calls();
    let times = |(identity, calls): (usize, &Calls)| {
        count(calls.all - calls.in_outage) / fewest_calls(*calls, first_life(identity, LIFE), LIFE)
    };
    let times = calls.iter().enumerate().map(times).fold(0.0, f64::max);
    let in_outage = calls.iter().map(|calls| calls.in_outage).max().unwrap();
    println!(
        "{seen} reads, {times:.3} times the ideal at most; {in_outage} calls of one in outages"
    );
    assert!(times <= 1.2, "{times}");
    // While there are none, each reader may ask; there are less than sixty of them in each outage.
    assert!(in_outage <= 2 * 60, "{in_outage}");
}

/// Returns the keys of a reader, which waits when none are cached.
async fn read(cache: &CachedKeys) -> Option<Arc<Keys>> {
    match cache.current() {
        Some(keys) => Some(keys.share()),
        None => cache.get().await.ok(),
    }
}

fn cache(upstream: &Arc<Upstream>, identity: usize) -> CachedKeys {
    let source = Arc::clone(upstream);
    let fetch = move || {
        let answer = source.ask(identity, LIFE);
        async move {
            let keys = Keys::new("ASIAIOSFODNN7EXAMPLE", "secret").with_session_token("session");
            answer.map(|at| keys.with_expires_at(at))
        }
    };
    CachedKeys::builder(fetch).clock(Arc::new(upstream.clock)).build(Handle::current())
}
