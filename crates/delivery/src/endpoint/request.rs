//! The checks of a request before its keys are looked up.

use hyper::body::Body;
use hyper::header::{AUTHORIZATION, HOST, HeaderName};
use hyper::{Method, Request};

use super::answer::Refusal;
use super::grants::is_id;

/// The path before the id of a volume.
pub(super) const PATH: &str = "/v1/volumes/";

/// The id and the token of a request that is as it must be; the token is for the caller to judge.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) id: &'a str,
    pub(super) token: &'a [u8],
}

/// Looks at everything but the token's truth.
pub(super) fn look_at<'a, B: Body>(
    request: &'a Request<B>,
    port: &str,
) -> Result<Asked<'a>, Refusal> {
    let host = one(request, &HOST).ok_or(Refusal::ForeignHost)?;
    // A target with an authority of its own ("GET http://...") is for a proxy.
    if request.uri().authority().is_some() || !is_ours(host, port) {
        return Err(Refusal::ForeignHost);
    }
    let id = request.uri().path().strip_prefix(PATH).filter(|id| is_id(id));
    let id = id.filter(|_| request.uri().query().is_none()).ok_or(Refusal::NoSuchPath)?;
    if request.method() != Method::GET {
        return Err(Refusal::NotGet);
    }
    if !request.body().is_end_stream() {
        return Err(Refusal::Body);
    }
    let token = one(request, &AUTHORIZATION).ok_or(Refusal::Unauthorized)?;
    Ok(Asked { id, token })
}

/// A browser that was led here by a foreign name (DNS rebinding) sends that name. Mountpoint sends
/// the address without the port (aws-c-auth, `credentials_provider_ecs.c`), SDKs with it.
fn is_ours(host: &[u8], port: &str) -> bool {
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|name| {
        host.strip_prefix(name.as_bytes())
            .is_some_and(|rest| rest.is_empty() || rest.strip_prefix(b":") == Some(port.as_bytes()))
    })
}

/// The value of a header that is there once.
fn one<'a, B>(request: &'a Request<B>, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = request.headers().get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.as_bytes())
}
