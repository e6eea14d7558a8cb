//! Settings of EKS Pod Identity.

use std::time::Duration;

/// Settings of the source `pod-identity`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize, schemars::JsonSchema),
    serde(rename_all = "camelCase", deny_unknown_fields, default)
)]
pub struct PodIdentitySettings {
    /// The agent's URL for volumes at pod level. Where unset, the variable
    /// EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI.
    #[cfg_attr(feature = "config", schemars(extend("format" = "http-url")))]
    pub agent_uri: Option<String>,
    /// The interval at which the driver's token file is read for a change.
    pub poll_interval: Duration,
}

impl Default for PodIdentitySettings {
    fn default() -> Self {
        Self { agent_uri: None, poll_interval: Duration::from_secs(10) }
    }
}

impl PodIdentitySettings {
    /// Sets the URL of the agent.
    #[must_use]
    pub fn with_agent_uri(mut self, uri: impl Into<String>) -> Self {
        self.agent_uri = Some(uri.into());
        self
    }

    /// Sets how often the token file is read.
    #[must_use]
    pub fn with_poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }
}

/// The settings of calls to the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize, schemars::JsonSchema),
    serde(rename_all = "camelCase", deny_unknown_fields, default)
)]
pub struct AgentSettings {
    /// How long connecting may take. The agent listens on the node itself.
    pub connect_timeout: Duration,
    /// How long the answer may take from then on. The agent may have to call EKS Auth.
    pub read_timeout: Duration,
    /// How many attempts there are when the agent does not answer, limits the rate, or answers with
    /// a fault of its own.
    #[cfg_attr(feature = "config", schemars(range(min = 1, max = 100)))]
    pub max_attempts: u32,
    /// How long an exchange may take with all its attempts. It retries a missing association until
    /// then: a new one takes seconds to be seen everywhere.
    pub operation_timeout: Duration,
}

impl Default for AgentSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(1),
            read_timeout: Duration::from_secs(5),
            max_attempts: 3,
            operation_timeout: Duration::from_secs(10),
        }
    }
}

impl AgentSettings {
    /// Sets the time for connecting.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets the time for the answer.
    #[must_use]
    pub fn with_read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// Sets how many attempts there are, at least one.
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets the time for all attempts.
    #[must_use]
    pub fn with_operation_timeout(mut self, timeout: Duration) -> Self {
        self.operation_timeout = timeout;
        self
    }
}
