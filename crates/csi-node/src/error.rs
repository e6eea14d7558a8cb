//! The error that a CSI call is answered with.

use std::fmt;

use s3_credential_provider::{ErrorKind, Failure, ProvideError};
use tonic::{Code, Status};

/// Why a call failed: the gRPC code and a message for the user of the volume, without a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// The gRPC code, from the table of the CSI specification.
    pub code: Code,
    /// What is wrong, then what to do, on one line. The kubelet shows it in the pod's events.
    pub message: String,
    /// What went wrong with the credentials, where it was they.
    pub kind: Option<ErrorKind>,
}

impl CallError {
    /// Returns an error with this code and message.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), kind: None }
    }

    /// A field of the request is missing or malformed.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }

    /// The machine refused an operation of this service.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Code::Internal, message)
    }

    /// A later call may succeed.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Code::Unavailable, message)
    }

    /// Another operation on the same volume holds its lock.
    pub fn busy(volume_id: &str) -> Self {
        Self::new(
            Code::Aborted,
            format!("another operation on volume `{volume_id}` is under way; try again"),
        )
    }

    /// Returns the same error for a volume that is mounted. A final code would make the kubelet
    /// tear the mount down.
    #[must_use]
    pub fn of_mounted(self) -> Self {
        Self { code: Code::Unavailable, ..self }
    }
}

impl From<ProvideError> for CallError {
    fn from(error: ProvideError) -> Self {
        let kind = Some(error.kind());
        Self { kind, ..Self::new(error.code().number().into(), error.status_message()) }
    }
}

impl From<&Failure> for CallError {
    fn from(failure: &Failure) -> Self {
        Self::new(failure.code().number().into(), format!("{failure}; {}", failure.help()))
    }
}

impl From<CallError> for Status {
    fn from(error: CallError) -> Self {
        Self::new(error.code, error.message)
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CallError {}
