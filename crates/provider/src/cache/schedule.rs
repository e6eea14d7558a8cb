//! The schedule of fetches: pure functions of the lifetime of keys and the result of the last
//! fetch. `draw`, from 0 to 1, is their random part.

use std::time::Duration;

use super::settings::CacheSettings;

/// No two fetches of one identity in the background follow each other faster.
const FLOOR: Duration = Duration::from_secs(1);

/// The longest pause between failed loads of keys that are not there.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

impl CacheSettings {
    /// Returns how long after their fetch keys with this `lifetime` are due for renewal: at least
    /// three fifths of it, never more than all of it.
    pub fn refresh_in(&self, lifetime: Duration, draw: f64) -> Duration {
        let window = self.advisory(lifetime);
        let early = (window / 5).mul_f64(share(draw));
        lifetime.saturating_sub(window + early).max(FLOOR).min(lifetime)
    }

    /// Returns the pause after a failed refresh of keys with this `lifetime`, which are valid for
    /// `remaining` more.
    ///
    /// A transient failure is retried several times before the expiry, the faster the nearer it is.
    /// A permanent one is retried once in the last minute: a policy may have been corrected.
    pub fn retry_in(
        &self,
        lifetime: Duration,
        remaining: Duration,
        retryable: bool,
        draw: f64,
    ) -> Duration {
        let share = share(draw);
        let between = |low: Duration, high: Duration| low + high.saturating_sub(low).mul_f64(share);
        let mandatory = self.mandatory(lifetime);
        let backoff = between(self.initial_backoff, self.max_backoff);
        let pause = match (remaining > mandatory, retryable) {
            (true, true) => backoff.min(between(remaining / 3, remaining / 2)),
            (true, false) => {
                backoff.min(remaining.saturating_sub(between(mandatory / 2, mandatory)))
            }
            (false, true) => between(mandatory / 12, mandatory / 6),
            (false, false) => backoff,
        };
        pause.max(FLOOR)
    }

    fn advisory(&self, lifetime: Duration) -> Duration {
        self.advisory_window.min(lifetime / 3)
    }

    fn mandatory(&self, lifetime: Duration) -> Duration {
        self.mandatory_window.min(self.advisory(lifetime) / 5)
    }
}

/// Between 0 and 1, whatever the chance was.
fn share(draw: f64) -> f64 {
    if draw.is_nan() { 0.0 } else { draw.clamp(0.0, 1.0) }
}

/// Returns how long the failure of a load answers the next callers. The first failure answers none,
/// as it may have been chance. Repeated failures protect the upstream from the rate of the readers.
pub(super) fn pause_after(failures_in_a_row: u32) -> Duration {
    match failures_in_a_row {
        0 | 1 => Duration::ZERO,
        failures => FLOOR.saturating_mul(2_u32.saturating_pow(failures - 2)).min(LONGEST_PAUSE),
    }
}
