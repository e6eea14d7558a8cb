//! A request with a signature by the SDK's own signer, over plain HTTP.

use std::error::Error;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use s3_credential_core::{Clock as _, Keys, Secret, SystemClock};
use tokio::net::TcpStream;

pub(super) type Broken = Box<dyn Error + Send + Sync>;

/// A request to send.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) method: Method,
    /// Escaped as it shall be sent.
    pub(super) url: String,
    pub(super) content_type: &'static str,
    pub(super) body: Bytes,
    /// For whom it is signed.
    pub(super) service: &'static str,
    pub(super) region: &'a str,
}

impl Call<'_> {
    /// Signs with these keys and sends.
    pub(super) async fn send(
        self,
        keys: &Keys,
        settings: SigningSettings,
    ) -> Result<(StatusCode, Bytes), Broken> {
        send(self.signed(keys, settings)?).await
    }

    fn signed(
        self,
        keys: &Keys,
        settings: SigningSettings,
    ) -> Result<Request<Full<Bytes>>, Broken> {
        let identity = Credentials::new(
            keys.access_key_id.expose(),
            keys.secret_access_key.expose(),
            keys.session_token.as_ref().map(|token: &Secret| token.expose().to_owned()),
            None,
            "s3-credential-testkit",
        )
        .into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(SystemClock.now().into())
            .settings(settings)
            .build()?
            .into();
        let headers = [(header::CONTENT_TYPE.as_str(), self.content_type)];
        let body = SignableBody::Bytes(&self.body);
        let signable =
            SignableRequest::new(self.method.as_str(), &self.url, headers.into_iter(), body)?;
        let instructions = sign(signable, &parameters)?.into_parts().0;
        let mut request = Request::builder()
            .method(&self.method)
            .uri(&self.url)
            .header(header::CONTENT_TYPE, self.content_type)
            .body(Full::new(self.body))?;
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }
}

async fn send(mut request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), Broken> {
    let authority = request.uri().authority().ok_or("the URL names no host")?.clone();
    request.headers_mut().insert(header::HOST, authority.as_str().parse()?);
    let target = request.uri().path_and_query().ok_or("the URL has no path")?.clone();
    *request.uri_mut() = target.into();
    let port = authority.port_u16().unwrap_or(80);
    let stream = TcpStream::connect((authority.host(), port)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // The connection moves while it is polled, and ends when the sender is gone.
    let asked = async move {
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        Ok::<_, Broken>((status, answer.into_body().collect().await?.to_bytes()))
    };
    let (answer, _) = tokio::join!(asked, connection);
    answer
}
