//! What the configuration may say about IMDS.

use std::time::Duration;

/// How IMDS is asked. The defaults are the SDKs', but that everything about one look-up is done within one second.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImdsSettings {
    /// Whether the source asks IMDS for a role before it answers with the instance profile; on. Without it the source applies
    /// wherever IMDS is not switched off, and a node without a role is found out by Mountpoint.
    pub probe: bool,
    /// How long one look-up may take, session token, retries and all; 1 second. Longer than this is "silent".
    pub timeout: Duration,
    /// How often a look-up is tried within that time when IMDS answers with a fault of its own; 3.
    pub attempts: u32,
    /// How long an IMDS that was silent is taken to be silent still, without asking it; 5 seconds. Mounts that come together then
    /// wait for it once. Any answer, a refusal too, is never remembered.
    pub silence: Duration,
}

impl Default for ImdsSettings {
    fn default() -> Self {
        Self {
            probe: true,
            timeout: Duration::from_secs(1),
            attempts: 3,
            silence: Duration::from_secs(5),
        }
    }
}

impl ImdsSettings {
    /// With the probe on or off.
    #[must_use]
    pub fn with_probe(mut self, probe: bool) -> Self {
        self.probe = probe;
        self
    }

    /// With this time for one look-up.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// With this many attempts, one at least.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// With this time for which silence is remembered; zero asks every time.
    #[must_use]
    pub fn with_silence(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }
}
