//! Signature Version 4: who signed a request, if it is signed right.
//!
//! The date of the signature is not held against the clock: a test may move the emulators' time
//! without its client's. What expires are the keys. Paths are taken as they were sent, as S3 does;
//! other services differ only where a path has escapes.

use ring::{digest, hmac};
use s3_credential_core::Secret;
use thiserror::Error;

use super::{Iam, Issued};
use crate::server::Request;

/// The reason why a caller is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AuthenticationError {
    /// The request is not signed.
    #[error("the request has no authentication")]
    Missing,
    /// The `Authorization` header or what it needs is incomplete.
    #[error("the signature is incomplete")]
    Incomplete,
    /// The access key id is unknown, or the session token is not its own.
    #[error("the access key or its session token is invalid")]
    Invalid,
    /// The secret is another, or the request was changed.
    #[error("the signature does not match")]
    Signature,
    /// The keys have expired.
    #[error("the keys are expired")]
    Expired,
}

/// The parts of an `Authorization` header.
struct Authorization<'a> {
    access_key_id: &'a str,
    /// `20261123/us-east-1/sts/aws4_request`
    scope: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl Iam {
    /// Returns the owner of the keys that signed this request, by SigV4 in the `Authorization`
    /// header.
    ///
    /// # Errors
    /// The first thing that is wrong, in the order of [`AuthenticationError`].
    pub fn authenticate(&self, request: &Request) -> Result<Issued, AuthenticationError> {
        let header = request.header("authorization").ok_or(AuthenticationError::Missing)?;
        let authorization = Authorization::parse(header).ok_or(AuthenticationError::Incomplete)?;
        let issued =
            self.issued(authorization.access_key_id).ok_or(AuthenticationError::Invalid)?;
        if request.header("x-amz-security-token")
            != issued.session_token.as_ref().map(Secret::expose)
        {
            return Err(AuthenticationError::Invalid);
        }
        let key = signing_key(issued.secret_access_key.expose(), authorization.scope);
        let message =
            string_to_sign(request, &authorization).ok_or(AuthenticationError::Incomplete)?;
        if hex(hmac::sign(&key, message.as_bytes())) != authorization.signature {
            return Err(AuthenticationError::Signature);
        }
        if issued.expires_at.is_some_and(|at| at <= self.now()) {
            return Err(AuthenticationError::Expired);
        }
        Ok(issued)
    }
}

impl<'a> Authorization<'a> {
    fn parse(header: &'a str) -> Option<Self> {
        let fields = header.strip_prefix("AWS4-HMAC-SHA256 ")?;
        let field = |name: &str| {
            fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
        };
        let (access_key_id, scope) = field("Credential")?.split_once('/')?;
        let signed_headers = field("SignedHeaders")?;
        Some(Self { access_key_id, scope, signed_headers, signature: field("Signature")? })
    }
}

fn string_to_sign(request: &Request, authorization: &Authorization<'_>) -> Option<String> {
    let payload = match request.header("x-amz-content-sha256") {
        Some(unsigned @ "UNSIGNED-PAYLOAD") => unsigned.to_owned(),
        _ => sha256(&request.body),
    };
    let query = request.uri.query().unwrap_or_default();
    let mut parameters: Vec<String> =
        query.split('&').filter(|pair| !pair.is_empty()).map(with_value).collect();
    parameters.sort_unstable();
    let mut canonical =
        format!("{}\n{}\n{}\n", request.method, request.path(), parameters.join("&"));
    for name in authorization.signed_headers.split(';') {
        let value: Vec<&str> = request.header(name)?.split_whitespace().collect();
        canonical.extend([name, ":", &value.join(" "), "\n"]);
    }
    canonical.extend(["\n", authorization.signed_headers, "\n", &payload]);

    let date = request.header("x-amz-date")?;
    Some(format!(
        "AWS4-HMAC-SHA256\n{date}\n{}\n{}",
        authorization.scope,
        sha256(canonical.as_bytes())
    ))
}

/// A parameter without a value is signed with an empty one.
fn with_value(pair: &str) -> String {
    if pair.contains('=') { pair.to_owned() } else { format!("{pair}=") }
}

fn signing_key(secret: &str, scope: &str) -> hmac::Key {
    let key = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
    scope.split('/').fold(key, |key, part| {
        hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref())
    })
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes))
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let nibbles = bytes.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.map(|nibble| char::from(DIGITS[usize::from(nibble)])).collect()
}
