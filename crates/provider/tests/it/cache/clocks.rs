//! Jumping, lagging and suspended clocks.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use s3_credential_core::{COARSE_TICK, Clock, Moment};
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::cache::upstream::{
    Answer, HOUR, JumpingClock, MILLISECOND, MINUTE, SECOND, Upstream, current, id,
};

#[tokio::test(start_paused = true)]
async fn a_machine_that_was_suspended_hands_out_no_keys_that_expired_meanwhile() {
    let upstream = Upstream::new();
    let cached = upstream.cached();
    cached.get().await.unwrap();
    upstream.clock.jump(2 * 3600);
    assert_eq!(current(&cached), None);
    assert_eq!(id(&cached.get().await.unwrap()), "KEY2");
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_was_suspended_for_less_renews_what_is_due() {
    let upstream = Upstream::new();
    let cached = upstream.cached();
    cached.get().await.unwrap();
    upstream.clock.jump(3600 - 120);
    assert_eq!(current(&cached).as_deref(), Some("KEY1"));
    sleep(MILLISECOND).await;
    assert_eq!(current(&cached).as_deref(), Some("KEY2"));
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_is_set_back_makes_no_key_last_longer() {
    let upstream = Upstream::new();
    let cached = upstream.cached();
    cached.get().await.unwrap();
    upstream.fail();
    upstream.clock.jump(-24 * 3600);
    sleep(HOUR - SECOND).await;
    assert_eq!(current(&cached).as_deref(), Some("KEY1"));
    sleep(SECOND).await;
    assert_eq!(current(&cached), None);
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_is_set_back_does_not_put_a_refresh_off() {
    let upstream = Upstream::new();
    let cached = upstream.cached();
    cached.get().await.unwrap();
    upstream.clock.jump(-24 * 3600);
    sleep(56 * MINUTE).await;
    assert_eq!(current(&cached).as_deref(), Some("KEY1"));
    sleep(MILLISECOND).await;
    assert_eq!(current(&cached).as_deref(), Some("KEY2"));
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_errs_for_a_while_costs_no_keys() {
    let upstream = Upstream::new();
    let cached = upstream.cached();
    cached.get().await.unwrap();
    upstream.clock.jump(2 * 3600);
    assert_eq!(current(&cached), None);
    upstream.clock.jump(0);
    assert_eq!(current(&cached).as_deref(), Some("KEY1"));
}

/// Its coarse readings are as late as they may be.
#[derive(Debug)]
struct LateClock(JumpingClock);

impl Clock for LateClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn coarse(&self) -> Moment {
        Moment {
            now: self.now() - COARSE_TICK,
            elapsed: self.elapsed().saturating_sub(COARSE_TICK),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_coarse_clock_makes_no_key_last_longer() {
    let upstream = Upstream::new();
    upstream.answer(Duration::ZERO, Answer::Keys(5 * SECOND));
    let cached = upstream
        .builder()
        .clock(Arc::new(LateClock(upstream.clock.clone())))
        .build(Handle::current());
    let ends_at = cached.get().await.unwrap().expires_at.unwrap();
    upstream.fail();
    let mut last = upstream.clock.now();
    for _ in 0..6000 {
        sleep(MILLISECOND).await;
        if cached.current().is_some() {
            last = upstream.clock.now();
        }
    }
    assert!(last < ends_at && last + 2 * COARSE_TICK >= ends_at);
}
