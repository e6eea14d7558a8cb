//! Settings of the calls of IMDS.

use std::time::Duration;

/// The settings of calls to IMDS. The defaults are the SDKs', except that one look-up takes at most
/// one second.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize, schemars::JsonSchema),
    serde(rename_all = "camelCase", deny_unknown_fields, default)
)]
pub struct ImdsSettings {
    /// Whether the source asks for a role before it returns the instance profile. Without it the
    /// source applies wherever IMDS is not switched off, and Mountpoint finds out that a node has
    /// no role.
    pub probe: bool,
    /// How long one look-up may take, with its session token and all attempts. IMDS counts as
    /// silent after it.
    pub operation_timeout: Duration,
    /// The most attempts of a look-up within that time when IMDS answers with a fault of its own.
    #[cfg_attr(feature = "config", schemars(range(min = 1, max = 100)))]
    pub max_attempts: u32,
    /// How long an IMDS that was silent counts as silent, without another call. Mounts that come
    /// together then wait once. An answer, a refusal included, is not remembered.
    pub silence: Duration,
}

impl Default for ImdsSettings {
    fn default() -> Self {
        Self {
            probe: true,
            operation_timeout: Duration::from_secs(1),
            max_attempts: 3,
            silence: Duration::from_secs(5),
        }
    }
}

impl ImdsSettings {
    /// Switches the probe on or off.
    #[must_use]
    pub fn with_probe(mut self, probe: bool) -> Self {
        self.probe = probe;
        self
    }

    /// Sets the time for one look-up.
    #[must_use]
    pub fn with_operation_timeout(mut self, timeout: Duration) -> Self {
        self.operation_timeout = timeout;
        self
    }

    /// Sets how many attempts there are, at least one.
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets how long silence is remembered; zero asks every time.
    #[must_use]
    pub fn with_silence(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }
}
