//! How STS is asked.

use s3_credential_sts::StsSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::Period;

/// AWS STS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct StsSection {
    /// How long connecting may take, TLS included.
    pub(crate) connect_timeout: Period,
    /// How long one attempt may take, connecting included.
    pub(crate) attempt_timeout: Period,
    /// How long a call may take with all its attempts.
    pub(crate) budget: Period,
    /// How many attempts there are at most.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) max_attempts: u32,
    /// The longest pause after the first attempt. It doubles after each further one.
    pub(crate) backoff: Period,
}

impl Default for StsSection {
    fn default() -> Self {
        let settings = StsSettings::default();
        Self {
            connect_timeout: settings.connect_timeout.into(),
            attempt_timeout: settings.attempt_timeout.into(),
            budget: settings.budget.into(),
            max_attempts: settings.max_attempts,
            backoff: settings.backoff.into(),
        }
    }
}

impl From<StsSection> for StsSettings {
    fn from(section: StsSection) -> Self {
        Self {
            connect_timeout: section.connect_timeout.into(),
            attempt_timeout: section.attempt_timeout.into(),
            budget: section.budget.into(),
            max_attempts: section.max_attempts,
            backoff: section.backoff.into(),
            ..Self::default()
        }
    }
}
