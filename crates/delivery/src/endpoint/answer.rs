//! The answers: keys, or the refusal of a request.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use s3_credential_core::{Keys, Secret};
use zeroize::Zeroizing;

pub(super) type Answer = Response<Full<Bytes>>;

/// The expiry in answers with keys that never expire, or at an unknown time: a Mountpoint whose
/// keys have no expiry does not mount (aws-c-auth, `expiration_required`). It asks again a little
/// before that time.
const ASK_AGAIN_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// The reason why a request gets no keys. Its text reveals no volumes, tokens or keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    ForeignHost,
    NoSuchPath,
    NotGet,
    Body,
    Unauthorized,
    TooMany,
    NoKeys,
}

/// The status of every answer.
pub(super) const STATUSES: [StatusCode; 8] = [
    StatusCode::OK,
    StatusCode::UNAUTHORIZED,
    StatusCode::FORBIDDEN,
    StatusCode::NOT_FOUND,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::TOO_MANY_REQUESTS,
    StatusCode::SERVICE_UNAVAILABLE,
];

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Self::ForeignHost => StatusCode::FORBIDDEN,
            Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::NotGet => StatusCode::METHOD_NOT_ALLOWED,
            Self::Body => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::NoKeys => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn body(self) -> &'static str {
        match self {
            Self::ForeignHost => r#"{"code":"Forbidden","message":"not for this host"}"#,
            Self::NoSuchPath => r#"{"code":"NotFound","message":"no such path"}"#,
            Self::NotGet => r#"{"code":"MethodNotAllowed","message":"only GET"}"#,
            Self::Body => r#"{"code":"PayloadTooLarge","message":"no body"}"#,
            Self::Unauthorized => r#"{"code":"Unauthorized","message":"not authorized"}"#,
            Self::TooMany => r#"{"code":"TooManyRequests","message":"too many requests"}"#,
            Self::NoKeys => r#"{"code":"ServiceUnavailable","message":"no credentials now"}"#,
        }
    }

    /// The answer. Who is not one of our clients is not kept.
    pub(super) fn answer(self) -> Answer {
        let mut answer = respond(self.status(), Bytes::from_static(self.body().as_bytes()));
        let headers = answer.headers_mut();
        if self == Self::NotGet {
            headers.insert(ALLOW, HeaderValue::from_static("GET"));
        }
        if !matches!(self, Self::TooMany | Self::NoKeys) {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }
}

/// The keys, as the container-credentials protocol of the AWS SDKs has them. The memory of the body
/// is zeroised when it is sent.
pub(super) fn keys(keys: &Keys, now: Timestamp) -> Answer {
    let expires_at =
        keys.expires_at.or_else(|| now.checked_add(ASK_AGAIN_AFTER).ok()).unwrap_or(Timestamp::MAX);
    // Whole seconds, rounded down: not every client reads a fraction.
    let expires_at = Timestamp::from_second(expires_at.as_second()).unwrap_or(expires_at);
    let fields = [
        (r#"{"AccessKeyId":""#, Some(&keys.access_key_id)),
        (r#"","SecretAccessKey":""#, Some(&keys.secret_access_key)),
        // Empty without a session token: several clients demand the field.
        (r#"","Token":""#, keys.session_token.as_ref()),
    ];
    let values = fields.iter().filter_map(|(_, value)| *value);
    let escaped_len: usize = values.map(|value| escaped_len(value.expose())).sum();
    // Of the right size at once, so that no partial copy stays behind.
    let mut body = Zeroizing::new(String::with_capacity(escaped_len + 128));
    for (name, value) in fields {
        body.push_str(name);
        push_escaped(&mut body, value.map_or("", Secret::expose));
    }
    body.push_str(r#"","Expiration":""#);
    body.push_str(&expires_at.to_string());
    body.push_str("\"}");
    respond(StatusCode::OK, Bytes::from_owner(SecretBody(body)))
}

/// Closes the connection after this answer.
pub(super) fn last(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

fn respond(status: StatusCode, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

struct SecretBody(Zeroizing<String>);

impl AsRef<[u8]> for SecretBody {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Returns the greatest length of a text in a JSON string.
fn escaped_len(text: &str) -> usize {
    text.len() + if has_special(text) { 5 * text.len() } else { 0 }
}

/// Looks at every byte whatever it finds, so that it looks at many at a time: half the time of an
/// answer was spent here once.
fn has_special(text: &str) -> bool {
    text.bytes().fold(false, |found, byte| found | is_special(byte))
}

/// Returns whether a JSON string holds this byte only in escaped form (RFC 8259, section 7).
fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Appends text to a JSON string, in whole pieces: a session token has a thousand characters and
/// more.
fn push_escaped(body: &mut String, text: &str) {
    if !has_special(text) {
        return body.push_str(text);
    }
    let mut rest = text;
    while let Some((at, special)) = rest.bytes().enumerate().find(|(_, byte)| is_special(*byte)) {
        body.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match special {
            b'"' | b'\\' => body.extend(['\\', char::from(special)]),
            control => {
                let digits =
                    [control / 16, control % 16].map(|digit| char::from_digit(digit.into(), 16));
                body.push_str("\\u00");
                body.extend(digits.into_iter().flatten());
            }
        }
    }
    body.push_str(rest);
}
