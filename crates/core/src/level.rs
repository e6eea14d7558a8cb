//! The authentication level: whose credentials a volume uses.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{ErrorKind, Failure};

/// The authentication level: whose credentials a volume uses. On the wire it is the volume
/// attribute `authenticationSource`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum AuthenticationLevel {
    /// The driver's own; applies where the volume sets no level.
    #[default]
    Driver,
    /// Those of the pod's service account.
    Pod,
    /// Those of the Kubernetes Secret that the volume names (`nodePublishSecretRef`).
    Secret,
}

impl AuthenticationLevel {
    /// Every level.
    pub const ALL: [Self; 3] = [Self::Driver, Self::Pod, Self::Secret];

    /// The word on the wire and in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Driver => "driver",
            Self::Pod => "pod",
            Self::Secret => "secret",
        }
    }
}

impl fmt::Display for AuthenticationLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AuthenticationLevel {
    type Err = Failure;

    /// An empty word is an unset one.
    fn from_str(word: &str) -> Result<Self, Failure> {
        if word.is_empty() {
            return Ok(Self::default());
        }
        Self::ALL.into_iter().find(|level| level.as_str() == word).ok_or_else(|| {
            Failure::new(
                ErrorKind::UnknownLevel,
                "the volume attribute `authenticationSource` is none of driver, pod and secret",
            )
            .with_help(
                "set `authenticationSource` in the PersistentVolume's volumeAttributes to driver (the default), pod or secret",
            )
        })
    }
}
