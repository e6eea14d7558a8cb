//! When credentials are due for renewal: a pure function of what they are and when they end.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use s3_credential_core::{Delivery, Moment, TokenAge};

use crate::cache::CacheSettings;

/// How far refreshes are spread, as a share of the time between the instant at which they are due
/// and the end. It takes so little of the margins that every reader still finds new credentials in
/// time.
const SPREAD: f64 = 0.1;

/// What part of the time that credentials have left may pass between two looks for newer ones.
const PART_LEFT: i32 = 4;
const SHORTEST_LOOK: SignedDuration = SignedDuration::from_secs(10);
const LONGEST_LOOK: SignedDuration = SignedDuration::from_mins(5);

/// How often a running Mountpoint reads a profile (aws-c-auth, credentials without an expiry).
pub(crate) const PROFILE_READ_EVERY: Duration = Duration::from_mins(15);

/// With less left, a reader of the endpoint asks for each of its requests (aws-c-auth, refresh
/// before expiry).
pub(crate) const ENDPOINT_READ_BEFORE: Duration = Duration::from_mins(5);

/// No pause is longer, whatever the settings are.
const LONGEST_PAUSE: Duration = Duration::from_hours(24 * 365);

/// The longest pause between retries when credentials are about to expire, or have expired: readers
/// are waiting.
const LONGEST_RETRY_AT_END: SignedDuration = SignedDuration::from_mins(1);

/// When credentials are renewed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "yaml",
    derive(serde::Deserialize, schemars::JsonSchema),
    serde(rename_all = "camelCase", deny_unknown_fields, default)
)]
pub struct RotationSettings {
    /// How much of a token's life passes before it is replaced, in percent. The default is that of
    /// the kubelet.
    #[cfg_attr(feature = "yaml", schemars(range(min = 1, max = 99)))]
    pub token_life_percent: u8,
    /// How long before they expire the keys in a profile are replaced. More than 15 minutes: a
    /// running Mountpoint reads the file no more often (aws-c-auth, credentials without an expiry).
    pub profile_margin: Duration,
    /// How long before they expire the keys behind the endpoint are replaced. More than 5 minutes:
    /// with less left, readers ask for every request. The default is twice the SDKs' advisory
    /// refresh window.
    pub endpoint_margin: Duration,
    /// The pause after a first failed refresh. It doubles with each further one, and is drawn from
    /// its upper half.
    pub initial_backoff: Duration,
    /// The longest pause between two attempts.
    pub max_backoff: Duration,
    /// How many volumes are refreshed at once.
    #[cfg_attr(feature = "yaml", schemars(range(min = 1, max = 1024)))]
    pub concurrency: u16,
    /// The keys in memory that tokens were exchanged for.
    pub cache: CacheSettings,
}

impl Default for RotationSettings {
    fn default() -> Self {
        Self {
            token_life_percent: 80,
            profile_margin: Duration::from_mins(20),
            endpoint_margin: Duration::from_mins(10),
            initial_backoff: Duration::from_secs(1),
            max_backoff: Duration::from_mins(5),
            concurrency: 16,
            cache: CacheSettings::default(),
        }
    }
}

impl RotationSettings {
    /// Returns the instant of the refresh of credentials that were issued (or are first seen) at
    /// `age.issued_at` or `now`, never before the second of `now`. `None` without an expiry. In
    /// whole seconds.
    pub fn refresh_at(
        &self,
        delivery: Delivery,
        now: Timestamp,
        age: TokenAge,
    ) -> Option<Timestamp> {
        let expires_at = age.expires_at?;
        let due_at = match delivery {
            Delivery::Profile => expires_at.checked_sub(self.profile_margin),
            Delivery::Endpoint => expires_at.checked_sub(self.endpoint_margin),
            _ => {
                let born_at = age.issued_at.unwrap_or(now).min(expires_at);
                let life = expires_at.duration_since(born_at);
                born_at.checked_add(life / 100 * i32::from(self.token_life_percent))
            }
        };
        let due_at = due_at.unwrap_or(expires_at).max(now);
        // Whole seconds are precise enough, and people read it.
        Some(Timestamp::from_second(due_at.as_second()).unwrap_or(due_at))
    }

    /// Whether keys that end so soon can be delivered as a profile at all: Mountpoint must re-read
    /// the file while the keys that it holds are still good.
    pub fn profile_can_carry(&self, now: Timestamp, expires_at: Option<Timestamp>) -> bool {
        let left = |at: Timestamp| at.duration_since(now);
        expires_at.is_none_or(|at| {
            Duration::try_from(left(at)).is_ok_and(|left| left > self.profile_margin)
        })
    }

    /// Returns how long readers can still use credentials that expire at `expires_at`; negative
    /// when readers are waiting.
    pub(crate) fn left(
        delivery: Delivery,
        now: Timestamp,
        expires_at: Option<Timestamp>,
    ) -> Option<SignedDuration> {
        let read_before = match delivery {
            Delivery::Profile => PROFILE_READ_EVERY,
            Delivery::Endpoint => ENDPOINT_READ_BEFORE,
            _ => Duration::ZERO,
        };
        let read_before = SignedDuration::try_from(read_before).unwrap_or_default();
        expires_at.map(|at| at.duration_since(now).saturating_sub(read_before))
    }

    /// The pause after this many failed refreshes before, of credentials that are good for another
    /// `left`. It is drawn from its upper half, so that many leases do not retry together; and it
    /// becomes short when the credentials are about to end.
    pub(crate) fn backoff(&self, failures: u32, left: Option<SignedDuration>) -> SignedDuration {
        let factor = 1_u32.checked_shl(failures).unwrap_or(u32::MAX);
        let longest = self.initial_backoff.saturating_mul(factor).min(self.max_backoff);
        // The arithmetic of floats panics on what no duration can hold.
        let longest = longest.min(LONGEST_PAUSE);
        let pause = SignedDuration::try_from(longest.mul_f64(0.5 + fastrand::f64() / 2.0))
            .unwrap_or(SignedDuration::MAX);
        left.map_or(pause, |left| pause.min((left / PART_LEFT).max(LONGEST_RETRY_AT_END)))
    }
}

/// When a lease whose credentials are due at `refresh_at` is refreshed: a little later, so that
/// leases which began together do not all ask together for ever. Where that is past, the source had
/// no newer credentials, and is asked again in a part of the time that is left.
pub(crate) fn due_at(
    reading: Moment,
    refresh_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
) -> Option<Moment> {
    let now = reading.now;
    let refresh_at = refresh_at?;
    let expires_at = expires_at.unwrap_or(refresh_at);
    let wait = if refresh_at > now {
        let spread = expires_at.duration_since(refresh_at).mul_f64(SPREAD * fastrand::f64());
        refresh_at.duration_since(now).saturating_add(spread)
    } else {
        (expires_at.duration_since(now) / PART_LEFT).clamp(SHORTEST_LOOK, LONGEST_LOOK)
    };
    Some(later(reading, wait))
}

/// Returns the moment after this pause, on both clocks. A lease is due when either clock is there:
/// a wall clock that is wrong for a while delays no refresh by more than the pause that was meant,
/// and a suspended machine delays none.
pub(crate) fn later(reading: Moment, pause: SignedDuration) -> Moment {
    let elapsed = Duration::try_from(pause).unwrap_or_default();
    Moment {
        now: reading.now.saturating_add(pause).unwrap_or(Timestamp::MAX),
        elapsed: reading.elapsed.saturating_add(elapsed),
    }
}
