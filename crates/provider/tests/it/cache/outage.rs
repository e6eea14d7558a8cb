//! The upstream is away while the keys are good.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use s3_credential_core::{Clock, ErrorKind};
use s3_credential_provider::{CacheEvent, CachedKeys};
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::cache::upstream::{Answer, HOUR, MILLISECOND, MINUTE, SECOND, Upstream, current, id};

/// Reads every 100 ms until the keys end; each read is answered by the first keys. The number of
/// further calls that were made.
async fn read_until_they_end(upstream: &Upstream, cached: &CachedKeys) -> usize {
    let ends_at = cached.expires_at().unwrap();
    let before = upstream.count();
    while upstream.clock.now() + 100 * MILLISECOND < ends_at {
        sleep(100 * MILLISECOND).await;
        assert_eq!(current(cached).as_deref(), Some("KEY1"));
    }
    upstream.count() - before
}

#[tokio::test(start_paused = true)]
async fn an_outage_leaves_valid_keys_until_they_end() {
    let upstream = Upstream::new();
    let cached = upstream.cached();
    cached.get().await.unwrap();
    upstream.fail();
    let tries = read_until_they_end(&upstream, &cached).await;
    assert!((7..=20).contains(&tries), "{tries}");
    assert_eq!(cached.last_error().unwrap().kind(), ErrorKind::Unavailable);

    sleep(SECOND).await;
    assert_eq!(current(&cached), None);
    let failure = cached.get().await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn tries_come_faster_towards_the_end() {
    let upstream = Upstream::new();
    let cached = upstream.cached();
    cached.get().await.unwrap();
    upstream.fail();
    read_until_they_end(&upstream, &cached).await;
    let calls = upstream.calls();
    let pauses: Vec<Duration> = calls[1..].windows(2).map(|two| two[1] - two[0]).collect();
    assert!(pauses[0] >= 100 * SECOND, "{pauses:?}");
    assert!(*pauses.last().unwrap() <= 11 * SECOND, "{pauses:?}");
    assert!(pauses.iter().all(|pause| *pause >= SECOND), "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_hangs_is_an_outage_like_any_other() {
    let upstream = Upstream::new();
    let cached = upstream.cached();
    cached.get().await.unwrap();
    upstream.answer(HOUR, Answer::Keys(HOUR));
    let tries = read_until_they_end(&upstream, &cached).await;
    assert!((4..=12).contains(&tries), "{tries}");
    assert_eq!(cached.last_error().unwrap().kind(), ErrorKind::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_will_not_pass_is_not_hammered() {
    let upstream = Upstream::new();
    let cached = upstream.cached();
    cached.get().await.unwrap();
    upstream.answer(Duration::ZERO, Answer::Failure(ErrorKind::PermissionDenied));
    let tries = read_until_they_end(&upstream, &cached).await;
    assert_eq!(tries, 2, "the refresh, and one more chance in the last minute");
}

#[tokio::test(start_paused = true)]
async fn the_first_answer_after_an_outage_ends_it() {
    let upstream = Upstream::new();
    let cached = upstream.cached();
    cached.get().await.unwrap();
    upstream.fail();
    sleep(56 * MINUTE).await;
    assert_eq!(current(&cached).as_deref(), Some("KEY1"));
    sleep(SECOND).await;
    let retry_at = cached.refresh_at().unwrap();
    assert!(cached.last_error().is_some());

    upstream.answer(Duration::ZERO, Answer::Keys(HOUR));
    sleep(retry_at.duration_since(upstream.clock.now()).try_into().unwrap()).await;
    assert_eq!(current(&cached).as_deref(), Some("KEY1"));
    sleep(MILLISECOND).await;
    assert_eq!(current(&cached).as_deref(), Some("KEY3"));
    assert_eq!(cached.last_error(), None);
}

#[tokio::test(start_paused = true)]
async fn who_asks_when_the_keys_end_joins_the_refresh_under_way() {
    let upstream = Upstream::new();
    upstream.answer(Duration::ZERO, Answer::Keys(30 * SECOND));
    let cached = upstream.cached();
    cached.get().await.unwrap();
    upstream.answer(4 * SECOND, Answer::Keys(HOUR));
    sleep(29 * SECOND).await;
    assert_eq!(current(&cached).as_deref(), Some("KEY1"));
    sleep(SECOND).await;
    assert_eq!(current(&cached), None);
    assert_eq!(id(&cached.get().await.unwrap()), "KEY2");
    assert_eq!(upstream.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn failed_refreshes_are_reported_with_what_happens_next() {
    let upstream = Upstream::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&seen);
    let cached = upstream
        .builder()
        .observer(move |event| {
            if let CacheEvent::Failed { failure, retry_at, expires_at } = event {
                record.lock().unwrap().push((failure.kind(), *retry_at, *expires_at));
            }
        })
        .build(Handle::current());
    upstream.answer(Duration::ZERO, Answer::Failure(ErrorKind::Throttled));
    cached.get().await.unwrap_err();
    assert_eq!(*seen.lock().unwrap(), [(ErrorKind::Throttled, None, None)]);

    upstream.answer(Duration::ZERO, Answer::Keys(HOUR));
    let keys = cached.get().await.unwrap();
    upstream.fail();
    sleep(56 * MINUTE).await;
    assert!(cached.current().is_some());
    sleep(MILLISECOND).await;
    let (kind, retry_at, expires_at) = seen.lock().unwrap()[1];
    assert_eq!((kind, expires_at), (ErrorKind::Unavailable, keys.expires_at));
    assert_eq!(retry_at, cached.refresh_at());
    assert!(retry_at.unwrap() > upstream.clock.now());
}
