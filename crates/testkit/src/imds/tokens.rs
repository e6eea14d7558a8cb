//! Session tokens: `PUT /latest/api/token`.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use http::Method;
use jiff::Timestamp;

use super::refusal;
use crate::ids;
use crate::server::{Request, Response};

pub(super) const TOKEN: &str = "x-aws-ec2-metadata-token";
const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";

/// The tokens that are good, and until when.
#[derive(Default)]
pub(super) struct Tokens(BTreeMap<String, Timestamp>);

impl Tokens {
    pub(super) fn create(&mut self, request: &Request, now: Timestamp) -> Response {
        if request.method != Method::PUT {
            return refusal(405, "Method Not Allowed");
        }
        // A proxy in the way: IMDS never gives it a token.
        if request.header("x-forwarded-for").is_some() {
            return refusal(403, "Forbidden");
        }
        let ttl: Option<u64> = request.header(TTL).and_then(|seconds| seconds.parse().ok());
        let Some(ttl @ 1..=21600) = ttl else {
            return refusal(400, "Bad Request");
        };
        let token = format!("AQAEA{}==", ids::base64(49));
        self.0.retain(|_, expires_at| *expires_at > now);
        self.0.insert(token.clone(), now + Duration::from_secs(ttl));
        Response::text(200, token).header(TTL, ttl.to_string())
    }

    pub(super) fn accept(&self, request: &Request, now: Timestamp) -> bool {
        let expires_at = request.header(TOKEN).and_then(|token| self.0.get(token));
        expires_at.is_some_and(|at| *at > now)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({})", self.0.len())
    }
}
