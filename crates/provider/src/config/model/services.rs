//! The services that hand out keys, and how patiently they are asked. Where they are is told by the driver's environment, which Mountpoint
//! gets as well.

use s3_credential_core::Environment;
use s3_credential_imds::ImdsSettings;
use s3_credential_pod_identity::AgentSettings;
use s3_credential_sts::StsSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::period::Period;

/// How the services are asked that hand out keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ServicesSection {
    /// AWS STS.
    pub(crate) sts: StsSection,
    /// The instance metadata service: for the source, the region resolver and the exchange alike.
    pub(crate) imds: ImdsSection,
    /// The EKS Pod Identity agent.
    pub(crate) pod_identity_agent: AgentSection,
}

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

impl StsSection {
    pub(crate) fn settings(self, environment: &Environment) -> StsSettings {
        StsSettings {
            connect_timeout: self.connect_timeout.into(),
            attempt_timeout: self.attempt_timeout.into(),
            budget: self.budget.into(),
            max_attempts: self.max_attempts,
            backoff: self.backoff.into(),
            ..StsSettings::from_environment(environment)
        }
    }
}

/// The instance metadata service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ImdsSection {
    /// Whether the source asks for a role before it answers with the instance profile. Without it the source applies wherever IMDS is not
    /// switched off, and a node without a role is found out by Mountpoint.
    pub(crate) probe: bool,
    /// How long one look-up may take, with all its attempts. Longer than this is silence.
    pub(crate) timeout: Period,
    /// How often a look-up is tried within that time.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) attempts: u32,
    /// How long an IMDS that was silent is taken to be silent still.
    pub(crate) silence: Period,
}

impl Default for ImdsSection {
    fn default() -> Self {
        let settings = ImdsSettings::default();
        Self {
            probe: settings.probe,
            timeout: settings.timeout.into(),
            attempts: settings.attempts,
            silence: settings.silence.into(),
        }
    }
}

impl From<ImdsSection> for ImdsSettings {
    fn from(section: ImdsSection) -> Self {
        Self::default()
            .with_probe(section.probe)
            .with_timeout(section.timeout.into())
            .with_attempts(section.attempts)
            .with_silence(section.silence.into())
    }
}

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
