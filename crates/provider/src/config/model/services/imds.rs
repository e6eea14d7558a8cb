//! How IMDS is asked.

use s3_credential_imds::ImdsSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::document::Period;

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
