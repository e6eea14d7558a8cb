use std::time::Duration;

use jiff::Timestamp;
use s3_credential_testkit::clock::{Clock as _, ManualClock, TokioClock};

fn start() -> Timestamp {
    "2026-11-23T20:00:00Z".parse().unwrap()
}

#[test]
fn a_manual_clock_stands_still_until_it_is_moved() {
    let clock = ManualClock::new(start());
    let shared = clock.clone();
    assert_eq!((shared.now(), shared.elapsed()), (start(), Duration::ZERO));
    clock.advance(Duration::from_mins(5));
    assert_eq!(
        (shared.now(), shared.elapsed()),
        (start() + Duration::from_mins(5), Duration::from_mins(5))
    );
}

#[test]
fn a_jump_of_the_wall_clock_is_no_time_passed() {
    let clock = ManualClock::new(start());
    clock.advance(Duration::from_secs(1));
    clock.set(start() - Duration::from_hours(1));
    assert_eq!(
        (clock.now(), clock.elapsed()),
        (start() - Duration::from_hours(1), Duration::from_secs(1))
    );
}

#[tokio::test(start_paused = true)]
async fn tokios_paused_time_moves_the_clock_that_follows_it() {
    let clock = TokioClock::new(start());
    tokio::time::advance(Duration::from_hours(2)).await;
    assert_eq!(
        (clock.now(), clock.elapsed()),
        (start() + Duration::from_hours(2), Duration::from_hours(2))
    );
}
