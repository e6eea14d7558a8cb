//! When credentials are renewed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cache::CacheSettings;
use crate::document::Period;
use crate::settings::RotationSettings;

/// When credentials are renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct RotationSection {
    /// How much of a token's life passes before it is replaced, in percent.
    #[schemars(range(min = 1, max = 99))]
    pub(crate) token_life_percent: u8,
    /// How long before their end the keys in a profile are replaced. More than 15 minutes: a running Mountpoint reads the file no more often.
    pub(crate) profile_margin: Period,
    /// How long before their end the keys behind the endpoint are replaced. More than 5 minutes: with less left, readers ask each time.
    pub(crate) endpoint_margin: Period,
    /// The pause after a first failed refresh. It doubles with each further one.
    pub(crate) first_retry: Period,
    /// The longest pause between two tries.
    pub(crate) last_retry: Period,
    /// How many volumes are refreshed at once.
    #[schemars(range(min = 1, max = 1024))]
    pub(crate) concurrency: u16,
    /// The keys in memory that tokens were exchanged for.
    pub(crate) cache: CacheSection,
}

/// The keys in memory that tokens were exchanged for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct CacheSection {
    /// How long before their end they are fetched anew; at most a third of their life.
    pub(crate) advisory_window: Period,
    /// How long before their end a failed refresh becomes urgent; at most a fifth of the advisory window.
    pub(crate) mandatory_window: Period,
    /// The shortest pause after a failed refresh while there is time.
    pub(crate) first_backoff: Period,
    /// The longest pause after a failed refresh while there is time.
    pub(crate) last_backoff: Period,
    /// How long one call of the service may take, with all its attempts.
    pub(crate) fetch_timeout: Period,
    /// How long who asks for keys that are not there waits for them.
    pub(crate) deadline: Period,
}

impl Default for RotationSection {
    fn default() -> Self {
        let settings = RotationSettings::default();
        Self {
            token_life_percent: settings.token_life_percent,
            profile_margin: settings.profile_margin.into(),
            endpoint_margin: settings.endpoint_margin.into(),
            first_retry: settings.first_retry.into(),
            last_retry: settings.last_retry.into(),
            concurrency: settings.concurrency,
            cache: settings.cache.into(),
        }
    }
}

impl From<RotationSection> for RotationSettings {
    fn from(section: RotationSection) -> Self {
        Self {
            token_life_percent: section.token_life_percent,
            profile_margin: section.profile_margin.into(),
            endpoint_margin: section.endpoint_margin.into(),
            first_retry: section.first_retry.into(),
            last_retry: section.last_retry.into(),
            concurrency: section.concurrency,
            cache: section.cache.into(),
        }
    }
}

impl Default for CacheSection {
    fn default() -> Self {
        CacheSettings::default().into()
    }
}

impl From<CacheSettings> for CacheSection {
    fn from(settings: CacheSettings) -> Self {
        Self {
            advisory_window: settings.advisory_window.into(),
            mandatory_window: settings.mandatory_window.into(),
            first_backoff: (*settings.backoff.start()).into(),
            last_backoff: (*settings.backoff.end()).into(),
            fetch_timeout: settings.fetch_timeout.into(),
            deadline: settings.deadline.into(),
        }
    }
}

impl From<CacheSection> for CacheSettings {
    fn from(section: CacheSection) -> Self {
        Self {
            advisory_window: section.advisory_window.into(),
            mandatory_window: section.mandatory_window.into(),
            backoff: section.first_backoff.into()..=section.last_backoff.into(),
            fetch_timeout: section.fetch_timeout.into(),
            deadline: section.deadline.into(),
        }
    }
}
