//! Requests as handlers see them, responses as they make them.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use futures::Stream;
use futures::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use serde::Serialize;

/// A request with its whole body. `Debug` shows method and path only: headers, query and body carry
/// tokens.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query, as sent.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

impl Request {
    /// Returns the path, still percent-encoded.
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// Returns the path, decoded. A `+` is itself there.
    pub fn decoded_path(&self) -> String {
        decode(self.path().as_bytes(), b'+')
    }

    /// Returns the parameters of the query string, decoded; the last of a repeated name wins.
    pub fn query(&self) -> BTreeMap<String, String> {
        form(self.uri.query().unwrap_or_default().as_bytes())
    }

    /// Returns the parameters of an `application/x-www-form-urlencoded` body, decoded.
    pub fn form(&self) -> BTreeMap<String, String> {
        form(&self.body)
    }

    /// Returns a header's value, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({} bytes)", self.method, self.path(), self.body.len())
    }
}

/// The body of a response.
pub enum Body {
    /// All of it, sent with its length.
    Full(Bytes),
    /// Sent in chunks as they come: a watch.
    Stream(Pin<Box<dyn Stream<Item = Bytes> + Send>>),
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(bytes) => write!(f, "Full({} bytes)", bytes.len()),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// A response. `Debug` shows the status only: bodies carry credentials.
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
}

impl Response {
    /// Makes a response without content type.
    ///
    /// # Panics
    /// If `status` is not between 100 and 999.
    pub fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self {
            status: StatusCode::from_u16(status).expect("a valid status"),
            headers: HeaderMap::new(),
            body: Body::Full(body.into()),
        }
    }

    /// Plain text.
    pub fn text(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(status, body).header("content-type", "text/plain")
    }

    /// XML.
    pub fn xml(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(status, body).header("content-type", "text/xml")
    }

    /// JSON.
    ///
    /// # Panics
    /// If `body` has no JSON form.
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("the value has a JSON form");
        Self::new(status, body).header("content-type", "application/json")
    }

    /// 200 with a body that is sent while it comes, until the stream ends or the client goes away.
    pub fn stream(chunks: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        Self { body: Body::Stream(chunks.boxed()), ..Self::new(200, "") }
    }

    /// The response with this header set.
    ///
    /// # Panics
    /// If `value` cannot be a header value.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl AsRef<str>) -> Self {
        let value = HeaderValue::from_str(value.as_ref()).expect("a valid header value");
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).finish_non_exhaustive()
    }
}

fn form(bytes: &[u8]) -> BTreeMap<String, String> {
    bytes
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let mut next = || decode(halves.next().unwrap_or_default(), b' ');
            (next(), next())
        })
        .collect()
}

/// Percent-decoding with `+` as `plus`; what is not an escape is kept.
fn decode(bytes: &[u8], plus: u8) -> String {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = tail.get(..2).filter(|_| first == b'%').and_then(hex);
        decoded.push(match (first, escaped) {
            (b'+', _) => plus,
            (_, Some(byte)) => byte,
            (other, None) => other,
        });
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(digits[0])? * 16 + digit(digits[1])?).ok()
}
