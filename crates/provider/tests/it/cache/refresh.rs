//! Keys are renewed before they end, behind the readers' backs.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use s3_credential_core::Clock;
use s3_credential_provider::CacheEvent;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use crate::cache::upstream::{Answer, HOUR, MILLISECOND, MINUTE, SECOND, Upstream, current, id};

#[tokio::test(start_paused = true)]
async fn the_reader_that_finds_keys_due_gets_them_and_starts_a_refresh() {
    let upstream = Upstream::new();
    let cached = upstream.cached();
    cached.get().await.unwrap();
    let due_at = cached.refresh_at().unwrap();
    let ends_at = cached.expires_at().unwrap();
    assert!(due_at <= ends_at - 5 * MINUTE && due_at >= ends_at - 6 * MINUTE);

    let wait: Duration = due_at.duration_since(upstream.clock.now()).try_into().unwrap();
    sleep(wait - SECOND).await;
    assert_eq!(current(&cached).as_deref(), Some("KEY1"));
    sleep(SECOND - MILLISECOND).await;
    assert_eq!(upstream.count(), 1, "not a moment too early");

    upstream.answer(300 * MILLISECOND, Answer::Keys(HOUR));
    sleep(MILLISECOND).await;
    for _ in 0..100 {
        assert_eq!(current(&cached).as_deref(), Some("KEY1"), "no one waits");
    }
    sleep(299 * MILLISECOND).await;
    assert_eq!(current(&cached).as_deref(), Some("KEY1"));
    sleep(2 * MILLISECOND).await;
    assert_eq!(current(&cached).as_deref(), Some("KEY2"));
    assert_eq!(upstream.count(), 2, "one refresh for all readers");
}

#[tokio::test(start_paused = true)]
async fn readers_at_1_khz_never_wait_for_a_refresh() {
    let upstream = Upstream::new();
    upstream.answer(300 * MILLISECOND, Answer::Keys(3 * MINUTE));
    let cached = upstream.cached();
    cached.get().await.unwrap();
    let started = Instant::now();
    let mut seen = BTreeSet::new();
    while started.elapsed() < 10 * MINUTE {
        let asked = Instant::now();
        let keys = cached.get().await.unwrap();
        assert_eq!(asked.elapsed(), Duration::ZERO);
        assert!(keys.expires_at.unwrap() > upstream.clock.now());
        if !seen.contains(id(&keys)) {
            seen.insert(id(&keys).to_owned());
        }
        sleep(MILLISECOND).await;
    }
    assert_eq!(seen.len(), upstream.count(), "every fetch was for its readers");
    assert!((5..=7).contains(&seen.len()), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_week_costs_little_more_than_the_ideal_number_of_calls() {
    let upstream = Upstream::new();
    let cached = upstream.cached();
    cached.get().await.unwrap();
    let started = Instant::now();
    while started.elapsed() < 7 * 24 * HOUR {
        sleep(10 * SECOND).await;
        assert!(cached.current().is_some());
    }
    assert!((168..=168 * 6 / 5).contains(&upstream.count()), "{}", upstream.count());
}

#[tokio::test(start_paused = true)]
async fn keys_that_were_made_together_are_not_renewed_together() {
    let upstream = Upstream::new();
    let mut due_at = BTreeSet::new();
    for _ in 0..50 {
        let cached = upstream.cached();
        cached.get().await.unwrap();
        due_at.insert(cached.refresh_at().unwrap());
    }
    assert!(due_at.len() > 40);
}

#[tokio::test(start_paused = true)]
async fn keys_without_an_end_are_fetched_once() {
    let upstream = Upstream::new();
    upstream.answer(Duration::ZERO, Answer::LongTermKeys);
    let cached = upstream.cached();
    cached.get().await.unwrap();
    sleep(1000 * 24 * HOUR).await;
    assert_eq!(current(&cached).as_deref(), Some("KEY1"));
    assert_eq!((cached.refresh_at(), cached.expires_at()), (None, None));
    cached.invalidate();
    assert_eq!(id(&cached.get().await.unwrap()), "KEY2");
}

#[tokio::test(start_paused = true)]
async fn keys_that_last_for_seconds_are_renewed_within_them() {
    let upstream = Upstream::new();
    upstream.answer(100 * MILLISECOND, Answer::Keys(6 * SECOND));
    let cached = upstream.cached();
    cached.get().await.unwrap();
    for _ in 0..6000 {
        sleep(10 * MILLISECOND).await;
        assert!(cached.current().is_some());
    }
    assert!((12..=17).contains(&upstream.count()), "{}", upstream.count());
}

#[tokio::test(start_paused = true)]
async fn new_keys_are_reported() {
    let upstream = Upstream::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&seen);
    let cached = upstream
        .builder()
        .observer(move |event| {
            if let CacheEvent::Fetched { keys } = event {
                record.lock().unwrap().push(id(keys).to_owned());
            }
        })
        .build(Handle::current());
    cached.get().await.unwrap();
    sleep(56 * MINUTE).await;
    assert!(cached.current().is_some());
    sleep(SECOND).await;
    assert_eq!(*seen.lock().unwrap(), ["KEY1", "KEY2"]);
}

#[test]
fn a_reader_outside_the_runtime_starts_a_refresh_too() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let upstream = runtime.block_on(async { Upstream::new() });
    let cached = upstream.builder().build(runtime.handle().clone());
    runtime.block_on(cached.get()).unwrap();
    upstream.clock.jump(3500);
    assert_eq!(current(&cached).as_deref(), Some("KEY1"));
    runtime.block_on(async { sleep(MILLISECOND).await });
    assert_eq!(current(&cached).as_deref(), Some("KEY2"));
}
