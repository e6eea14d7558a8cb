//! The errors of STS: codes and statuses of its API reference and service model.

use thiserror::Error;

use super::xml::{self, Element};
use crate::ids;
use crate::server::{Fault, Response};

/// An error answer. As a [`Fault`] it is given in place of the right answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{code}: {message}")]
pub struct StsError {
    status: u16,
    code: &'static str,
    message: String,
}

impl StsError {
    /// 403 `AccessDenied`: the role does not trust the caller, or does not exist.
    pub fn access_denied(message: impl Into<String>) -> Self {
        Self::new(403, "AccessDenied", message)
    }

    /// 400 `ExpiredTokenException`: the web identity token.
    pub fn expired_token() -> Self {
        Self::new(400, "ExpiredTokenException", "Token expired")
    }

    /// 403 `ExpiredToken`: the keys that signed the request.
    pub fn expired_credentials() -> Self {
        Self::new(403, "ExpiredToken", "The security token included in the request is expired")
    }

    /// 400 `IDPCommunicationError`: the identity provider did not answer.
    pub fn idp_communication() -> Self {
        let message =
            "The identity provider could not be reached to verify the incoming identity token.";
        Self::new(400, "IDPCommunicationError", message)
    }

    /// 403 `IDPRejectedClaim`: the identity provider said no.
    pub fn idp_rejected_claim() -> Self {
        Self::new(
            403,
            "IDPRejectedClaim",
            "The identity provider reported that authentication failed.",
        )
    }

    /// 400 `IncompleteSignature`.
    pub fn incomplete_signature() -> Self {
        Self::new(
            400,
            "IncompleteSignature",
            "The request signature does not conform to AWS standards.",
        )
    }

    /// 500 `InternalFailure`.
    pub fn internal_failure() -> Self {
        Self::new(
            500,
            "InternalFailure",
            "The request processing has failed because of an unknown error.",
        )
    }

    /// 400 `InvalidAction`.
    pub fn invalid_action(action: &str) -> Self {
        let message = format!("Could not find operation {action} for version 2011-06-15");
        Self::new(400, "InvalidAction", message)
    }

    /// 403 `InvalidClientTokenId`: an unknown access key, or a session token that is not its own.
    pub fn invalid_client_token_id() -> Self {
        Self::new(
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        )
    }

    /// 400 `InvalidIdentityToken`: malformed, of an unknown provider, of another audience, or not
    /// verifiable.
    pub fn invalid_identity_token(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidIdentityToken", message)
    }

    /// 400 `MalformedPolicyDocument`.
    pub fn malformed_policy(message: impl Into<String>) -> Self {
        Self::new(400, "MalformedPolicyDocument", message)
    }

    /// 400 `MissingAction`.
    pub fn missing_action() -> Self {
        Self::new(400, "MissingAction", "The request is missing an action or a required parameter.")
    }

    /// 403 `MissingAuthenticationToken`: not signed.
    pub fn missing_authentication_token() -> Self {
        Self::new(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
    }

    /// 400 `PackedPolicyTooLarge`.
    pub fn packed_policy_too_large(percent: usize) -> Self {
        let message =
            format!("Packed size of session policy and tags is {percent}% of the allowed limit.");
        Self::new(400, "PackedPolicyTooLarge", message)
    }

    /// 403 `RegionDisabledException`.
    pub fn region_disabled() -> Self {
        let message = "STS is not activated in this region for the account. The account administrator can activate it.";
        Self::new(403, "RegionDisabledException", message)
    }

    /// 503 `ServiceUnavailable`.
    pub fn service_unavailable() -> Self {
        Self::new(
            503,
            "ServiceUnavailable",
            "The request has failed due to a temporary failure of the server.",
        )
    }

    /// 403 `SignatureDoesNotMatch`.
    pub fn signature_does_not_match() -> Self {
        let message =
            "The request signature we calculated does not match the signature you provided.";
        Self::new(403, "SignatureDoesNotMatch", message)
    }

    /// 400 `Throttling`.
    pub fn throttling() -> Self {
        Self::new(400, "Throttling", "Rate exceeded")
    }

    /// 400 `ValidationError`.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationError", message)
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

    pub(super) fn response(&self) -> Response {
        let kind = if self.status < 500 { "Sender" } else { "Receiver" };
        let request_id = ids::uuid();
        let error = Element::list(
            "Error",
            [
                Element::text("Type", kind),
                Element::text("Code", self.code),
                Element::text("Message", &self.message),
            ],
        );
        let root = Element::list("ErrorResponse", [error, Element::text("RequestId", &request_id)]);
        xml::response(self.status, &root, &request_id)
    }

    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }
}

impl From<StsError> for Fault {
    fn from(error: StsError) -> Self {
        Self::answer(move |_| error.response())
    }
}
