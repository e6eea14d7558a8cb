//! The ways in which a form reaches Mountpoint.

use std::fmt;
use std::str::FromStr;

use crate::error::{ErrorKind, Failure};
use crate::form::CredentialForm;

/// The ways in which a form reaches Mountpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Delivery {
    /// A token file, and a role or an address: Mountpoint exchanges by itself.
    Delegated,
    /// AWS config and credentials files with keys.
    Profile,
    /// The driver's own loopback endpoint, by the container-credentials protocol.
    Endpoint,
    /// Plain key variables, which can never be rotated: only for long-term keys, only where asked
    /// for.
    Environment,
    /// No credentials are handed over.
    None,
}

impl Delivery {
    /// Every delivery that can be asked for.
    pub const CHOICES: [Self; 4] =
        [Self::Delegated, Self::Profile, Self::Endpoint, Self::Environment];

    /// The word on the command line, in configuration and in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delegated => "delegated",
            Self::Profile => "profile",
            Self::Endpoint => "endpoint",
            Self::Environment => "environment",
            Self::None => "none",
        }
    }

    /// Returns how a form is delivered where no delivery is configured.
    pub fn default_for(form: &CredentialForm) -> Self {
        match form {
            CredentialForm::Keys(_) | CredentialForm::Profile(_) => Self::Profile,
            CredentialForm::WebIdentity(identity) if !identity.can_be_delegated() => Self::Profile,
            CredentialForm::WebIdentity(_) | CredentialForm::Container(_) => Self::Delegated,
            CredentialForm::InstanceProfile | CredentialForm::Anonymous => Self::None,
        }
    }

    /// Returns whether this delivery carries keys, so that any other form is exchanged first.
    pub fn needs_keys(self) -> bool {
        matches!(self, Self::Profile | Self::Endpoint | Self::Environment)
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Delivery {
    type Err = Failure;

    fn from_str(word: &str) -> Result<Self, Failure> {
        Self::CHOICES.into_iter().find(|delivery| delivery.as_str() == word).ok_or_else(|| {
            Failure::new(
                ErrorKind::InvalidRequest,
                "the delivery is none of delegated, profile, endpoint and environment",
            )
        })
    }
}
