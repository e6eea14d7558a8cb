//! How exchanged keys are kept fresh.

use std::ops::RangeInclusive;
use std::time::Duration;

/// How exchanged keys are kept fresh, and how long one waits for them. The default follows the refresh rules that the AWS SDKs share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheSettings {
    /// How long before their end keys are fetched anew; 5 minutes, and at most a third of their life. The exact instant is drawn
    /// from the fifth of this time before it, so that keys that were made together are not all renewed together.
    pub advisory_window: Duration,
    /// How long before their end a failed refresh becomes urgent; 1 minute, and at most a fifth of the advisory window.
    pub mandatory_window: Duration,
    /// The pause after a failed refresh while there is time; 5 to 10 minutes, and at most half of the time that is left.
    pub backoff: RangeInclusive<Duration>,
    /// How long one call of the upstream may take, with the attempts that it makes by itself; 10 seconds. No reader waits that long: a
    /// call that comes back late still fills the cache.
    pub fetch_timeout: Duration,
    /// How long who asks for keys that are not there waits for them in all; 5 seconds. It leaves the upstream its own budget, 2 seconds
    /// for STS, twice that for two roles in a row: what the upstream says is worth more than "no answer in time".
    pub deadline: Duration,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self {
            advisory_window: Duration::from_mins(5),
            mandatory_window: Duration::from_mins(1),
            backoff: Duration::from_mins(5)..=Duration::from_mins(10),
            fetch_timeout: Duration::from_secs(10),
            deadline: Duration::from_secs(5),
        }
    }
}
