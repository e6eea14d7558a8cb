//! Keys, and how long they are good.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use s3_credential_core::{COARSE_TICK, Failure, Keys, Moment};

use super::settings::CacheSettings;

/// The content of the cache. Without keys, it holds some that have always been expired: a reader
/// then needs one check, not two.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) keys: Arc<Keys>,
    /// Handed out until then.
    ends: Moment,
    /// The time from which the keys are refreshed.
    due: Moment,
    lifetime: Duration,
}

impl Entry {
    pub(super) fn empty() -> Self {
        let past = Moment { now: Timestamp::MIN, elapsed: Duration::ZERO };
        Self { keys: Arc::new(Keys::new("", "")), ends: past, due: past, lifetime: Duration::ZERO }
    }

    /// Keys that were fetched at `now`.
    pub(super) fn new(
        keys: Keys,
        now: Moment,
        settings: &CacheSettings,
        draw: f64,
    ) -> Result<Self, Failure> {
        let (ends, due, lifetime) = match keys.expires_at {
            None => (Moment::NEVER, Moment::NEVER, Duration::MAX),
            Some(at) => {
                keys.check_current(after(now, COARSE_TICK).now)?;
                let lifetime = lifetime(at, now.now);
                let due = after(now, settings.refresh_in(lifetime, draw));
                (after(now, lifetime), due, lifetime)
            }
        };
        Ok(Self { keys: Arc::new(keys), ends, due, lifetime })
    }

    pub(super) fn is_good(&self, now: &Moment) -> bool {
        !self.ends.is_reached(now)
    }

    pub(super) fn is_due(&self, now: &Moment) -> bool {
        self.due.is_reached(now)
    }

    /// Returns how long the keys are still valid; `None` if they have expired.
    pub(super) fn remaining(&self, now: &Moment) -> Option<Duration> {
        let on_the_wall = self.ends.now.duration_since(now.now);
        let remaining = Duration::try_from(on_the_wall)
            .unwrap_or_default()
            .min(self.ends.elapsed.saturating_sub(now.elapsed));
        self.is_good(now).then_some(remaining)
    }

    /// Returns the lifetime that the keys had when they were fetched.
    pub(super) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Returns how long until the keys are due; `None` if they never are.
    pub(super) fn due_in(&self, now: &Moment) -> Option<Duration> {
        (self.due != Moment::NEVER).then(|| {
            let on_the_wall = self.due.now.duration_since(now.now);
            Duration::try_from(on_the_wall)
                .unwrap_or_default()
                .min(self.due.elapsed.saturating_sub(now.elapsed))
        })
    }
}

/// Returns the time until `at`, less the error of a coarse clock.
fn lifetime(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or_default().saturating_sub(COARSE_TICK)
}

fn after(now: Moment, pause: Duration) -> Moment {
    let on_the_wall = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
    Moment {
        now: now.now.checked_add(on_the_wall).unwrap_or(Timestamp::MAX),
        elapsed: now.elapsed.saturating_add(pause),
    }
}
