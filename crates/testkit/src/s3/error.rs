//! The errors of S3: codes and statuses of its API reference.

use thiserror::Error;

use crate::ids;
use crate::server::{Fault, Response};
use crate::xml::Element;

/// An error answer. As a [`Fault`] it is given in place of the right answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{code}: {message}")]
pub struct S3Error {
    status: u16,
    code: &'static str,
    message: &'static str,
}

impl S3Error {
    /// 403 `AccessDenied`: no policy allows it, one denies it, or it is not signed.
    pub fn access_denied() -> Self {
        Self::new(403, "AccessDenied", "Access Denied")
    }

    /// 400 `ExpiredToken`: the keys that signed the request.
    pub fn expired_token() -> Self {
        Self::new(400, "ExpiredToken", "The provided token has expired.")
    }

    /// 403 `InvalidAccessKeyId`: an unknown access key, or a session token that is not its own.
    pub fn invalid_access_key_id() -> Self {
        let message = "The AWS Access Key Id you provided does not exist in our records.";
        Self::new(403, "InvalidAccessKeyId", message)
    }

    /// 404 `NoSuchBucket`.
    pub fn no_such_bucket() -> Self {
        Self::new(404, "NoSuchBucket", "The specified bucket does not exist")
    }

    /// 404 `NoSuchKey`.
    pub fn no_such_key() -> Self {
        Self::new(404, "NoSuchKey", "The specified key does not exist.")
    }

    /// 501 `NotImplemented`: what the emulator does not know.
    pub fn not_implemented() -> Self {
        let message = "A header you provided implies functionality that is not implemented";
        Self::new(501, "NotImplemented", message)
    }

    /// 403 `SignatureDoesNotMatch`.
    pub fn signature_does_not_match() -> Self {
        let message =
            "The request signature we calculated does not match the signature you provided.";
        Self::new(403, "SignatureDoesNotMatch", message)
    }

    /// 503 `SlowDown`.
    pub fn slow_down() -> Self {
        Self::new(503, "SlowDown", "Please reduce your request rate.")
    }

    /// Returns the code.
    pub fn code(&self) -> &str {
        self.code
    }

    /// Returns the HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    pub(super) fn response(&self) -> Response {
        let request_id = ids::uuid();
        let error = Element::list(
            "Error",
            [
                Element::text("Code", self.code),
                Element::text("Message", self.message),
                Element::text("RequestId", &request_id),
            ],
        );
        Response::xml(self.status, error.write("")).header("x-amz-request-id", &request_id)
    }

    fn new(status: u16, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message }
    }
}

impl From<S3Error> for Fault {
    fn from(error: S3Error) -> Self {
        Self::answer(move |_| error.response())
    }
}
