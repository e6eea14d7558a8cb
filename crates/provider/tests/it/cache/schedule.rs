//! The instants of refreshes and retries, for all lifetimes.

use std::time::Duration;

use proptest::prelude::*;
use s3_credential_provider::CacheSettings;

use crate::cache::upstream::{MILLISECOND, SECOND};

fn lifetimes() -> impl Strategy<Value = Duration> {
    (1_u64..48 * 3_600_000).prop_map(Duration::from_millis)
}

proptest! {
    #[test]
    fn a_refresh_comes_late_in_the_life_of_keys_and_before_its_end(lifetime in lifetimes(), draw in 0.0..=1.0) {
        let settings = CacheSettings::default();
        let refresh_in = settings.refresh_in(lifetime, draw);
        prop_assert!(refresh_in <= lifetime);
        prop_assert!(refresh_in >= lifetime.mul_f64(0.599));
        if lifetime >= 10 * SECOND {
            let window = settings.advisory_window.min(lifetime / 3);
            prop_assert!(lifetime - refresh_in >= window - MILLISECOND);
            prop_assert!(lifetime - refresh_in <= window.mul_f64(1.21));
        }
    }

    #[test]
    fn an_outage_is_probed_several_times_and_never_hammered(
        lifetime in lifetimes(),
        draws in prop::collection::vec(0.0..=1.0, 200),
    ) {
        let settings = CacheSettings::default();
        let mut draws = draws.into_iter();
        let mut draw = || draws.next().unwrap();
        let mut remaining = lifetime - settings.refresh_in(lifetime, draw());
        let mut tries = 1;
        loop {
            let pause = settings.retry_in(lifetime, remaining, true, draw());
            prop_assert!(pause >= SECOND);
            remaining = remaining.saturating_sub(pause);
            if remaining.is_zero() {
                break;
            }
            tries += 1;
        }
        prop_assert!(tries <= 20, "{tries}");
        if lifetime >= 60 * SECOND {
            prop_assert!(tries >= 5, "{tries}");
        }
    }

    #[test]
    fn what_will_not_pass_gets_one_more_chance(lifetime in 60_u64..48 * 3600, draws in prop::collection::vec(0.0..=1.0, 20)) {
        let lifetime = Duration::from_secs(lifetime);
        let settings = CacheSettings::default();
        let mut draws = draws.into_iter();
        let mut remaining = lifetime - settings.refresh_in(lifetime, draws.next().unwrap());
        let mut tries = 1;
        while let Some(left) = remaining.checked_sub(settings.retry_in(lifetime, remaining, false, draws.next().unwrap())) {
            remaining = left;
            tries += 1;
        }
        prop_assert_eq!(tries, 2);
        prop_assert!(remaining > Duration::ZERO && remaining <= settings.mandatory_window);
    }

    #[test]
    fn no_settings_and_no_chance_break_the_schedule(
        windows in prop::array::uniform4(any::<u64>()),
        lifetime in any::<u64>(),
        remaining in any::<u64>(),
        retryable in any::<bool>(),
        draw in any::<f64>(),
    ) {
        let [advisory, mandatory, low, high] = windows.map(Duration::from_millis);
        let settings = CacheSettings {
            advisory_window: advisory,
            mandatory_window: mandatory,
            initial_backoff: low,
            max_backoff: high,
            ..CacheSettings::default()
        };
        let (lifetime, remaining) = (Duration::from_millis(lifetime), Duration::from_millis(remaining));
        prop_assert!(settings.refresh_in(lifetime, draw) <= lifetime);
        prop_assert!(settings.retry_in(lifetime, remaining, retryable, draw) >= SECOND);
    }
}
