//! What the configuration may say about EKS Pod Identity.

use std::time::Duration;

/// Where the source finds what it hands out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PodIdentitySettings {
    /// The agent's URL for volumes at pod level; where unset, `EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI`.
    pub agent_uri: Option<String>,
    /// How often the driver's token file is looked at for a change, for whoever listens; 10 seconds.
    pub follow_interval: Duration,
}

impl Default for PodIdentitySettings {
    fn default() -> Self {
        Self { agent_uri: None, follow_interval: Duration::from_secs(10) }
    }
}

impl PodIdentitySettings {
    /// With this URL of the agent.
    #[must_use]
    pub fn with_agent_uri(mut self, uri: impl Into<String>) -> Self {
        self.agent_uri = Some(uri.into());
        self
    }

    /// With this time between two looks at the token file.
    #[must_use]
    pub fn with_follow_interval(mut self, interval: Duration) -> Self {
        self.follow_interval = interval;
        self
    }
}

/// How the agent is asked for keys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentSettings {
    /// How long it may take until the agent accepts the connection; 1 second. It listens on the node itself.
    pub connect_timeout: Duration,
    /// How long the whole answer may take from then on; 5 seconds, as in the SDKs. The agent may have to ask EKS Auth.
    pub read_timeout: Duration,
    /// How often it is tried when the agent does not answer, limits the rate, or answers with a fault of its own; 3.
    pub attempts: u32,
    /// How long an exchange goes on trying, all in all; 10 seconds. An association that is not there is asked for again until then:
    /// a new one takes seconds to be seen everywhere.
    pub patience: Duration,
}

impl Default for AgentSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(1),
            read_timeout: Duration::from_secs(5),
            attempts: 3,
            patience: Duration::from_secs(10),
        }
    }
}

impl AgentSettings {
    /// With this time for the connection.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// With this time for the answer.
    #[must_use]
    pub fn with_read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// With this many attempts, one at least.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// With this time for all of it.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}
