//! S3 requests with keys in hand, path-style.

use std::fmt::Write as _;

use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SigningSettings, UriPathNormalizationMode,
};
use bytes::Bytes;
use http::Method;
use s3_credential_core::Keys;
use thiserror::Error;

use super::signed::Call;
use crate::xml;

/// A client of one S3 with one set of keys. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct S3Client {
    url: String,
    region: String,
    keys: Keys,
}

/// The reason why a request failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum S3ClientError {
    /// An error answer, by its code.
    #[error("S3 refuses: {0}")]
    Refused(String),
    /// S3 could not be asked, or its answer could not be read.
    #[error("S3 did not answer: {0}")]
    NoAnswer(String),
}

impl S3ClientError {
    /// Returns whether the keys may not do this.
    pub fn is_access_denied(&self) -> bool {
        *self == Self::Refused("AccessDenied".to_owned())
    }
}

impl S3Client {
    /// Makes a client of the S3 at `url`, in this region.
    pub fn new(url: impl Into<String>, region: impl Into<String>, keys: &Keys) -> Self {
        Self { url: url.into(), region: region.into(), keys: keys.clone() }
    }

    /// `ListObjectsV2`: the keys that begin with the prefix, where one is given.
    pub async fn list(
        &self,
        bucket: &str,
        prefix: Option<&str>,
    ) -> Result<Vec<String>, S3ClientError> {
        let prefix = prefix.map(|prefix| format!("&prefix={}", escape(prefix, b"")));
        let path = format!("{}?list-type=2{}", escape(bucket, b""), prefix.unwrap_or_default());
        let answer = self.send(Method::GET, &path, Bytes::new()).await?;
        Ok(xml::texts(&String::from_utf8_lossy(&answer), "Key"))
    }

    /// `GetObject`: the content.
    pub async fn get(&self, bucket: &str, key: &str) -> Result<Bytes, S3ClientError> {
        self.send(Method::GET, &object(bucket, key), Bytes::new()).await
    }

    /// `PutObject`.
    pub async fn put(
        &self,
        bucket: &str,
        key: &str,
        content: impl Into<Bytes>,
    ) -> Result<(), S3ClientError> {
        self.send(Method::PUT, &object(bucket, key), content.into()).await.map(drop)
    }

    /// `DeleteObject`.
    pub async fn delete(&self, bucket: &str, key: &str) -> Result<(), S3ClientError> {
        self.send(Method::DELETE, &object(bucket, key), Bytes::new()).await.map(drop)
    }

    async fn send(&self, method: Method, path: &str, body: Bytes) -> Result<Bytes, S3ClientError> {
        let call = Call {
            method,
            url: format!("{}/{path}", self.url.trim_end_matches('/')),
            content_type: "application/octet-stream",
            body,
            service: "s3",
            region: &self.region,
        };
        let no_answer = |error: &dyn ToString| S3ClientError::NoAnswer(error.to_string());
        let (status, answer) =
            call.send(&self.keys, settings()).await.map_err(|error| no_answer(&error))?;
        if status.is_success() {
            return Ok(answer);
        }
        let code = xml::texts(&String::from_utf8_lossy(&answer), "Code").into_iter().next();
        Err(code.map_or_else(|| no_answer(&status), S3ClientError::Refused))
    }
}

/// S3 takes paths as they are sent, and requires the hash of the body.
fn settings() -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings
}

fn object(bucket: &str, key: &str) -> String {
    format!("{}/{}", escape(bucket, b""), escape(key, b"/"))
}

/// Percent-encoding of all but the unreserved characters (RFC 3986) and those to keep.
fn escape(text: &str, keep: &[u8]) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || keep.contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
        escaped
    })
}
