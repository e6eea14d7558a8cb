//! Who asks for keys that are not there.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use s3_credential_core::ErrorKind;
use tokio::time::{Instant, advance, sleep, timeout};

use crate::cache::upstream::{Answer, MILLISECOND, SECOND, Upstream, current, id};

#[tokio::test(start_paused = true)]
async fn no_keys_are_fetched_before_the_first_call() {
    let upstream = Upstream::new();
    let cached = upstream.cached();
    assert_eq!(current(&cached), None);
    advance(SECOND).await;
    assert_eq!(upstream.count(), 0);
    assert_eq!((cached.expires_at(), cached.refresh_at()), (None, None));
    assert_eq!(id(&cached.get().await.unwrap()), "KEY1");
    assert_eq!(current(&cached).as_deref(), Some("KEY1"));
    assert!(cached.expires_at().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_thousand_cold_callers_share_one_call() {
    let upstream = Upstream::new();
    upstream.answer(300 * MILLISECOND, Answer::Keys(60 * SECOND));
    let cached = upstream.cached();
    let got = join_all((0..1000).map(|_| cached.get())).await;
    assert_eq!(upstream.count(), 1);
    let first = got[0].as_ref().unwrap();
    assert!(got.iter().all(|keys| Arc::ptr_eq(keys.as_ref().unwrap(), first)));
}

#[tokio::test(start_paused = true)]
async fn a_thousand_cold_callers_share_one_failure_at_once() {
    let upstream = Upstream::new();
    upstream.answer(700 * MILLISECOND, Answer::Failure(ErrorKind::Throttled));
    let cached = upstream.cached();
    let started = Instant::now();
    let got = join_all((0..1000).map(|_| cached.get())).await;
    assert_eq!(started.elapsed(), 700 * MILLISECOND);
    assert_eq!(upstream.count(), 1);
    for failure in got {
        let failure = failure.unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Throttled);
        assert_eq!(failure.message(), "refused, call 1");
    }
}

#[tokio::test(start_paused = true)]
async fn one_failure_is_not_remembered() {
    let upstream = Upstream::new();
    upstream.fail();
    let cached = upstream.cached();
    cached.get().await.unwrap_err();
    assert_eq!(cached.last_error().unwrap().message(), "refused, call 1");
    upstream.answer(Duration::ZERO, Answer::Keys(60 * SECOND));
    assert_eq!(id(&cached.get().await.unwrap()), "KEY2");
    assert_eq!(cached.last_error(), None);
}

#[tokio::test(start_paused = true)]
async fn a_row_of_failures_spares_the_upstream_the_rate_of_the_readers() {
    let upstream = Upstream::new();
    upstream.fail();
    let cached = upstream.cached();
    let started = Instant::now();
    while started.elapsed() < 60 * SECOND {
        cached.get().await.unwrap_err();
        sleep(10 * MILLISECOND).await;
    }
    // At once, and then after pauses of 0, 1, 2, 4, 8 seconds and 10 seconds each.
    assert_eq!(upstream.count(), 10);

    upstream.answer(Duration::ZERO, Answer::Keys(60 * SECOND));
    while cached.get().await.is_err() {
        sleep(10 * MILLISECOND).await;
    }
    assert!(started.elapsed() < 71 * SECOND, "it is seen soon that the upstream is back");
    assert_eq!(upstream.count(), 11);
}

#[tokio::test(start_paused = true)]
async fn a_silent_upstream_is_waited_for_until_the_deadline_and_may_still_answer() {
    let upstream = Upstream::new();
    upstream.answer(7 * SECOND, Answer::Keys(60 * SECOND));
    let cached = upstream.cached();
    let started = Instant::now();
    let failures = join_all((0..10).map(|_| cached.get())).await;
    assert_eq!(started.elapsed(), 5 * SECOND);
    for failure in failures {
        let failure = failure.unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::TimedOut);
        assert!(failure.is_retryable());
    }
    // The second asks while the first call is still under way.
    assert_eq!(id(&cached.get().await.unwrap()), "KEY1");
    assert_eq!(started.elapsed(), 7 * SECOND);
    assert_eq!(upstream.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_never_ends_is_given_up() {
    let upstream = Upstream::new();
    upstream.answer(1000 * SECOND, Answer::Keys(60 * SECOND));
    let cached = upstream.cached();
    cached.get().await.unwrap_err();
    let failure = cached.get().await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::TimedOut);
    assert_eq!(upstream.count(), 1, "ten seconds of one call");
    sleep(MILLISECOND).await;
    upstream.answer(Duration::ZERO, Answer::Keys(60 * SECOND));
    assert_eq!(id(&cached.get().await.unwrap()), "KEY2");
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_does_not_end_the_fetch() {
    let upstream = Upstream::new();
    upstream.answer(SECOND, Answer::Keys(60 * SECOND));
    let cached = upstream.cached();
    assert!(timeout(100 * MILLISECOND, cached.get()).await.is_err());
    sleep(SECOND).await;
    assert_eq!(current(&cached).as_deref(), Some("KEY1"));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_panics_is_an_error_and_the_next_one_is_not() {
    let upstream = Upstream::new();
    upstream.answer(Duration::ZERO, Answer::Panic);
    let cached = upstream.cached();
    let failure = cached.get().await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Internal);
    upstream.answer(Duration::ZERO, Answer::Keys(60 * SECOND));
    assert_eq!(id(&cached.get().await.unwrap()), "KEY2");
}

#[tokio::test(start_paused = true)]
async fn keys_that_have_ended_already_are_refused() {
    let upstream = Upstream::new();
    upstream.answer(Duration::ZERO, Answer::Keys(Duration::ZERO));
    let cached = upstream.cached();
    let failure = cached.get().await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Unavailable);
    assert!(failure.help().contains("clock"));
    assert_eq!(current(&cached), None);
}

#[tokio::test(start_paused = true)]
async fn keys_of_an_earlier_run_are_used_while_they_are_good() {
    let upstream = Upstream::new();
    let earlier = cached_keys(&upstream, 60 * SECOND).await;
    let cached = upstream.builder().keys(earlier.clone()).build(tokio::runtime::Handle::current());
    assert_eq!(current(&cached).as_deref(), Some("KEY1"));
    assert_eq!(upstream.count(), 1);

    sleep(61 * SECOND).await;
    let cached = upstream.builder().keys(earlier).build(tokio::runtime::Handle::current());
    assert_eq!(current(&cached), None);
    assert_eq!(id(&cached.get().await.unwrap()), "KEY2");
}

async fn cached_keys(upstream: &Upstream, lifetime: Duration) -> s3_credential_core::Keys {
    upstream.answer(Duration::ZERO, Answer::Keys(lifetime));
    Arc::unwrap_or_clone(upstream.cached().get().await.unwrap())
}
