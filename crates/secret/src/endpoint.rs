//! The URL of an S3 store.

use http::Uri;

/// More than any address has.
const MAX_LEN: usize = 2048;

/// Returns whether this is an http(s) URL of a host, with at most a port and a path: what an SDK
/// takes as an endpoint.
pub(crate) fn is_endpoint(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    let Some(authority) = uri.authority() else {
        return false;
    };
    // `http::Uri` forgets a fragment while it parses.
    url.len() <= MAX_LEN
        && !url.contains('#')
        && matches!(uri.scheme_str(), Some("http" | "https"))
        && !authority.as_str().contains('@')
        && !authority.host().is_empty()
        && (authority.port().is_some() == has_port(authority.as_str()))
        && uri.query().is_none()
}

/// A colon behind the host, which may be an IPv6 address in brackets.
fn has_port(authority: &str) -> bool {
    authority.rsplit_once(']').map_or(authority, |(_, rest)| rest).contains(':')
}
