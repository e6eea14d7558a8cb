//! The settings of the cache.

use std::time::Duration;

/// The settings of the cache: how exchanged keys are kept fresh, and how long a caller waits for
/// them. The default follows the refresh rules that the AWS SDKs share.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "yaml",
    derive(serde::Deserialize, schemars::JsonSchema),
    serde(rename_all = "camelCase", deny_unknown_fields, default)
)]
pub struct CacheSettings {
    /// How long before their expiry keys are refreshed, at most a third of their lifetime. The
    /// instant is random within the fifth of this time before it, so that keys made together are
    /// not renewed together.
    pub advisory_window: Duration,
    /// How long before they expire a failed refresh becomes urgent, at most a fifth of the advisory
    /// window.
    pub mandatory_window: Duration,
    /// The shortest pause after a failed refresh while there is time. The pause is at most half of
    /// the time that is left.
    pub initial_backoff: Duration,
    /// The longest pause after a failed refresh while there is time.
    pub max_backoff: Duration,
    /// How long one call of the service may take, with all its attempts. No reader waits as long: a
    /// late answer still fills the cache.
    pub fetch_timeout: Duration,
    /// How long a caller waits in all when no keys are cached. It is longer than the time-outs of
    /// the service, whose error says more than "no answer in time".
    pub operation_timeout: Duration,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self {
            advisory_window: Duration::from_mins(5),
            mandatory_window: Duration::from_mins(1),
            initial_backoff: Duration::from_mins(5),
            max_backoff: Duration::from_mins(10),
            fetch_timeout: Duration::from_secs(10),
            operation_timeout: Duration::from_secs(5),
        }
    }
}
