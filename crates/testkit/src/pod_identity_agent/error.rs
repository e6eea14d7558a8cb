//! The agent's errors: plain text, with the status of the service that refused.

use thiserror::Error;

use crate::ids;
use crate::server::{Fault, Response};

/// An error of EKS Auth's `AssumeRoleForPodIdentity`, as the agent passes it on. Codes and statuses
/// are those of the service model.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{code}: {message}")]
pub struct EksAuthError {
    status: u16,
    code: &'static str,
    message: String,
}

impl EksAuthError {
    /// 400: the agent's node role may not call EKS Auth, or the associated role does not trust
    /// `pods.eks.amazonaws.com`.
    pub fn access_denied() -> Self {
        Self::new(
            400,
            "AccessDeniedException",
            "Unauthorized Exception! EKS does not have permissions to assume the associated role.",
        )
    }

    /// 400: the service account token is expired.
    pub fn expired_token() -> Self {
        Self::new(400, "ExpiredTokenException", "The provided token has expired.")
    }

    /// 500.
    pub fn internal_server() -> Self {
        Self::new(500, "InternalServerException", "Internal server error")
    }

    /// 400.
    pub fn invalid_parameter() -> Self {
        Self::new(400, "InvalidParameterException", "The provided parameter is invalid.")
    }

    /// 400.
    pub fn invalid_request() -> Self {
        Self::new(400, "InvalidRequestException", "The request is not valid.")
    }

    /// 400: the token cannot be verified, or is for another audience.
    pub fn invalid_token() -> Self {
        Self::new(400, "InvalidTokenException", "The provided token is invalid.")
    }

    /// 404: no association, or none that EKS Auth can see yet.
    pub fn resource_not_found() -> Self {
        Self::new(
            404,
            "ResourceNotFoundException",
            "No association found for service account token",
        )
    }

    /// 503.
    pub fn service_unavailable() -> Self {
        Self::new(503, "ServiceUnavailableException", "Service unavailable")
    }

    /// 429.
    pub fn throttling() -> Self {
        Self::new(429, "ThrottlingException", "Rate exceeded")
    }

    /// Returns the code.
    pub fn code(&self) -> &str {
        self.code
    }

    /// Returns the HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The same error with other words.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// Returns whether the agent goes on with the keys it has.
    pub(super) fn is_recoverable(&self) -> bool {
        let final_codes = [
            "ResourceNotFoundException",
            "ExpiredTokenException",
            "InvalidTokenException",
            "AccessDeniedException",
        ];
        !final_codes.contains(&self.code)
    }

    fn new(status: u16, code: &'static str, message: &str) -> Self {
        Self { status, code, message: message.to_owned() }
    }
}

/// An answer of the agent without keys, as Go's `http.Error` writes it.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(super) fn response(&self) -> Response {
        Response::text(self.status, format!("{}\n", self.message))
            .header("content-type", "text/plain; charset=utf-8")
            .header("x-content-type-options", "nosniff")
    }
}

impl From<&EksAuthError> for Refusal {
    fn from(error: &EksAuthError) -> Self {
        let EksAuthError { status, code, message } = error;
        let fault = if *status < 500 { "client" } else { "server" };
        Self::new(*status, format!("[{}]: ({code}): {message}, fault: {fault}", ids::uuid()))
    }
}

impl From<EksAuthError> for Fault {
    fn from(error: EksAuthError) -> Self {
        Self::answer(move |_| Refusal::from(&error).response())
    }
}
