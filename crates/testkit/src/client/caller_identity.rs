//! `GetCallerIdentity`, signed.

use std::error::Error;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use s3_credential_core::{Clock as _, Keys, Secret, SystemClock};
use tokio::net::TcpStream;

use super::ClientError;

const BODY: &str = "Action=GetCallerIdentity&Version=2011-06-15";
const CONTENT_TYPE: &str = "application/x-www-form-urlencoded; charset=utf-8";

type Broken = Box<dyn Error + Send + Sync>;

/// Asks the STS at `url` whose keys these are.
pub(super) async fn ask(url: &str, region: &str, keys: &Keys) -> Result<String, ClientError> {
    let no_answer = |error: Broken| ClientError::NoAnswer(error.to_string());
    let request = signed(url, region, keys).map_err(no_answer)?;
    let answer = send(request).await.map_err(no_answer)?;
    match (element(&answer, "Arn"), element(&answer, "Code")) {
        (Some(arn), _) => Ok(arn.to_owned()),
        (None, Some(code)) => Err(ClientError::Refused(code.to_owned())),
        (None, None) => Err(ClientError::NoAnswer("the answer is of no known kind".to_owned())),
    }
}

fn signed(url: &str, region: &str, keys: &Keys) -> Result<Request<Full<Bytes>>, Broken> {
    let url = format!("{}/", url.trim_end_matches('/'));
    let mut request = Request::post(&url)
        .header(header::CONTENT_TYPE, CONTENT_TYPE)
        .body(Full::new(Bytes::from_static(BODY.as_bytes())))?;
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
        .region(region)
        .name("sts")
        .time(SystemClock.now().into())
        .settings(SigningSettings::default())
        .build()?
        .into();
    let headers = [(header::CONTENT_TYPE.as_str(), CONTENT_TYPE)];
    let body = SignableBody::Bytes(BODY.as_bytes());
    let signable = SignableRequest::new("POST", &url, headers.into_iter(), body)?;
    sign(signable, &parameters)?.into_parts().0.apply_to_request_http1x(&mut request);
    Ok(request)
}

async fn send(mut request: Request<Full<Bytes>>) -> Result<String, Broken> {
    let authority = request.uri().authority().ok_or("the URL names no host")?.clone();
    request.headers_mut().insert(header::HOST, authority.as_str().parse()?);
    *request.uri_mut() = request.uri().path().parse()?;
    let port = authority.port_u16().unwrap_or(80);
    let stream = TcpStream::connect((authority.host(), port)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // The connection moves while it is polled, and ends when the sender is gone.
    let asked = async move {
        let answer = sender.send_request(request).await?;
        Ok::<_, Broken>(answer.into_body().collect().await?.to_bytes())
    };
    let (answer, _) = tokio::join!(asked, connection);
    Ok(String::from_utf8(answer?.to_vec())?)
}

/// The text of the first element of this name.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}
