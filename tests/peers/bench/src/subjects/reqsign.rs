use std::time::Duration;

use bytes::Bytes;
use http::uri::{Scheme, Uri};
use reqsign::aws::{AssumeRoleWithWebIdentityCredentialProvider, Credential};
use reqsign::{Context, HttpSend, SignRequest, Signer};
use reqsign_http_send_reqwest::ReqwestHttpSend;

use super::Subject;
use crate::upstream::{ROLE, Upstream};

/// A signer that does not sign: what is left is its cache, and the copy that it makes of the
/// request.
pub struct Reqsign {
    signer: Signer<Credential>,
    request: http::request::Parts,
}

impl Subject for Reqsign {
    const NAME: &'static str = "reqsign";
    // Due 2 minutes before their end.
    const TTL: Duration = Duration::from_secs(124);
    const DUE_BY: Duration = Duration::from_secs(6);

    fn new(upstream: &Upstream) -> Self {
        let send = Redirected { to: upstream.url().parse().unwrap(), send: ReqwestHttpSend::default() };
        let provider = AssumeRoleWithWebIdentityCredentialProvider::with_config(
            ROLE.to_owned(),
            upstream.token_file(),
        );
        let context = reqsign::default_context().with_http_send(send);
        let signer = Signer::new(context, provider, Unsigned);
        let (request, ()) = http::Request::get("https://bucket.s3.amazonaws.com/key").body(()).unwrap().into_parts();
        Self { signer, request }
    }

    async fn fetch(&self) -> Result<usize, String> {
        let mut request = self.request.clone();
        self.signer.sign(&mut request, None).await.map_err(|error| error.to_string())?;
        Ok(request.headers.len() + 20)
    }
}

#[derive(Debug)]
struct Unsigned;

impl SignRequest for Unsigned {
    type Credential = Credential;

    async fn sign_request(
        &self,
        _: &Context,
        _: &mut http::request::Parts,
        credential: Option<&Credential>,
        _: Option<Duration>,
    ) -> reqsign::Result<()> {
        assert!(credential.is_some());
        Ok(())
    }
}

/// It knows only the host names of AWS.
#[derive(Debug)]
struct Redirected {
    to: Uri,
    send: ReqwestHttpSend,
}

impl HttpSend for Redirected {
    async fn http_send(&self, mut request: http::Request<Bytes>) -> reqsign::Result<http::Response<Bytes>> {
        let mut parts = std::mem::take(request.uri_mut()).into_parts();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = self.to.authority().cloned();
        *request.uri_mut() = Uri::from_parts(parts).unwrap();
        request.headers_mut().remove(http::header::HOST);
        self.send.http_send(request).await
    }
}
