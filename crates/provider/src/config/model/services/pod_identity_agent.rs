//! How the EKS Pod Identity agent is asked.

use s3_credential_pod_identity::AgentSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::Period;

/// The EKS Pod Identity agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct AgentSection {
    /// How long connecting may take.
    pub(crate) connect_timeout: Period,
    /// How long the answer may take from then on.
    pub(crate) read_timeout: Period,
    /// How often it is tried when the agent does not answer, limits the rate, or answers with a fault of its own.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) attempts: u32,
    /// How long an exchange goes on trying, all in all: a new association takes seconds to be seen everywhere.
    pub(crate) patience: Period,
}

impl Default for AgentSection {
    fn default() -> Self {
        let settings = AgentSettings::default();
        Self {
            connect_timeout: settings.connect_timeout.into(),
            read_timeout: settings.read_timeout.into(),
            attempts: settings.attempts,
            patience: settings.patience.into(),
        }
    }
}

impl From<AgentSection> for AgentSettings {
    fn from(section: AgentSection) -> Self {
        Self::default()
            .with_connect_timeout(section.connect_timeout.into())
            .with_read_timeout(section.read_timeout.into())
            .with_attempts(section.attempts)
            .with_patience(section.patience.into())
    }
}
