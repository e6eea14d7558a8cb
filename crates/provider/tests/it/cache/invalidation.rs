//! Keys that a service has refused are not handed out again.

use std::time::Duration;

use futures::future::join_all;
use tokio::time::sleep;

use crate::cache::upstream::{Answer, HOUR, MILLISECOND, MINUTE, SECOND, Upstream, current, id};

#[tokio::test(start_paused = true)]
async fn invalidated_keys_are_gone_and_the_next_who_asks_gets_new_ones() {
    let upstream = Upstream::new();
    let cached = upstream.cached();
    cached.get().await.unwrap();
    cached.invalidate();
    assert_eq!(current(&cached), None);
    assert_eq!(cached.expires_at(), None);
    assert_eq!(id(&cached.get().await.unwrap()), "KEY2");
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_began_before_does_not_bring_the_bad_keys_back() {
    let upstream = Upstream::new();
    let cached = upstream.cached();
    cached.get().await.unwrap();
    upstream.answer(2 * SECOND, Answer::Keys(HOUR));
    sleep(56 * MINUTE).await;
    assert_eq!(current(&cached).as_deref(), Some("KEY1"));
    sleep(SECOND).await;
    assert_eq!(upstream.count(), 2, "the refresh is under way");

    cached.invalidate();
    sleep(2 * SECOND).await;
    assert_eq!(current(&cached), None, "what the refresh brought is not used");
    assert_eq!(id(&cached.get().await.unwrap()), "KEY3");
    assert_eq!(current(&cached).as_deref(), Some("KEY3"));
}

#[tokio::test(start_paused = true)]
async fn an_old_failure_does_not_disturb_new_keys() {
    let upstream = Upstream::new();
    let cached = upstream.cached();
    cached.get().await.unwrap();
    upstream.answer(2 * SECOND, Answer::Failure(s3_credential_core::ErrorKind::Unavailable));
    sleep(56 * MINUTE).await;
    assert!(cached.current().is_some());
    sleep(SECOND).await;
    cached.invalidate();
    upstream.answer(Duration::ZERO, Answer::Keys(HOUR));
    assert_eq!(id(&cached.get().await.unwrap()), "KEY3");
    sleep(2 * SECOND).await;
    assert_eq!(cached.last_error(), None);
    assert_eq!(current(&cached).as_deref(), Some("KEY3"));
}

#[tokio::test(start_paused = true)]
async fn who_waits_when_the_keys_are_invalidated_gets_newer_ones() {
    let upstream = Upstream::new();
    upstream.answer(2 * SECOND, Answer::Keys(HOUR));
    let cached = upstream.cached();
    let waiting = join_all((0..100).map(|_| cached.get()));
    let invalidation = async {
        sleep(SECOND).await;
        cached.invalidate();
    };
    let (got, ()) = tokio::join!(waiting, invalidation);
    for keys in got {
        assert_eq!(id(&keys.unwrap()), "KEY2");
    }
    assert_eq!(upstream.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn invalidation_ends_the_pause_after_failures() {
    let upstream = Upstream::new();
    upstream.fail();
    let cached = upstream.cached();
    for _ in 0..20 {
        cached.get().await.unwrap_err();
        sleep(100 * MILLISECOND).await;
    }
    let before = upstream.count();
    upstream.answer(Duration::ZERO, Answer::Keys(HOUR));
    cached.get().await.unwrap_err();
    assert_eq!(upstream.count(), before, "paused");
    cached.invalidate();
    cached.get().await.unwrap();
}
