//! The error of the facade: what went wrong, and what every plug-in said on the way.

use std::error::Error;
use std::fmt;

use s3_credential_core::{Attempt, Code, ErrorKind, Failure};

/// The error of a volume that has no credentials, or could not be cleaned up.
///
/// `Display` is one line for the user of the volume: what is wrong, then what to do. It holds no
/// secret.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ProvideError {
    /// The failure.
    pub failure: Failure,
    /// The attempt of each source of the chain; empty if none was asked.
    pub attempts: Vec<Attempt>,
    /// The attempt of each region resolver; empty if none was asked.
    pub region_attempts: Vec<Attempt>,
}

impl ProvideError {
    /// Returns the kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.failure.kind()
    }

    /// Returns the gRPC code that a driver answers with.
    pub fn code(&self) -> Code {
        self.failure.code()
    }

    /// Returns whether the same call may succeed later without any change.
    pub fn is_retryable(&self) -> bool {
        self.failure.is_retryable()
    }

    /// Returns what is wrong, on one line.
    pub fn message(&self) -> &str {
        self.failure.message()
    }

    /// Returns what the user should do.
    pub fn help(&self) -> &str {
        self.failure.help()
    }

    /// Returns how each source of the chain fared; empty if none was asked.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// Returns the message of the gRPC status that a driver answers with: what is wrong, then what
    /// to do. The kubelet shows it in the pod's events.
    pub fn status_message(&self) -> String {
        format!("{}; {}", self.failure.message(), self.help())
    }

    /// Sets the attempts of the region resolvers.
    #[must_use]
    pub fn with_region_attempts(self, region_attempts: Vec<Attempt>) -> Self {
        Self { region_attempts, ..self }
    }

    /// The same failure of a volume that is mounted. A final code would make the kubelet tear the
    /// mount down, so it is always UNAVAILABLE, and everything that was provided before is still
    /// there.
    pub(crate) fn of_live_lease(self) -> Self {
        let failure = Failure::new(
            ErrorKind::Unavailable,
            format!(
                "the mounted volume keeps its credentials, which could not be refreshed: {}",
                self.failure.message()
            ),
        )
        .with_help(self.failure.help().to_owned())
        .with_cause(self.failure);
        Self { failure, ..self }
    }
}

impl From<Failure> for ProvideError {
    fn from(failure: Failure) -> Self {
        Self { failure, attempts: Vec::new(), region_attempts: Vec::new() }
    }
}

#[cfg(feature = "tonic")]
impl From<ProvideError> for tonic::Status {
    fn from(error: ProvideError) -> Self {
        Self::new(error.code().number().into(), error.status_message())
    }
}

impl fmt::Display for ProvideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.failure.message(), self.help())
    }
}

impl Error for ProvideError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.failure.source()
    }
}
