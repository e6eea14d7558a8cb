//! One GET over one connection, without a proxy: the agent is on the node.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, HOST};
use http::{HeaderValue, Request};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use s3_credential_core::Secret;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use crate::address::Address;
use crate::settings::AgentSettings;

/// More than any answer needs.
const BODY_LIMIT: usize = 64 << 10;

/// The answer. The body may hold keys, or repeat the token.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

/// The reason why no answer came back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error("connection refused")]
    Refused,
    #[error("unreachable")]
    Unreachable(#[source] io::Error),
    #[error("no connection in time")]
    NotConnected(Duration),
    #[error("no answer in time")]
    Silent(Duration),
    #[error("TLS failed")]
    Tls(#[source] io::Error),
    #[error("the answer was cut, is too large, or is not HTTP")]
    Broken,
    #[error("the token cannot stand in a header")]
    Token,
}

/// Asks once.
pub(crate) async fn get(
    address: &Address,
    token: Option<&Secret>,
    tls: Option<&Arc<ClientConfig>>,
    settings: &AgentSettings,
) -> Result<Answer, WireError> {
    let request = request(address, token)?;
    let AgentSettings { connect_timeout, read_timeout, .. } = *settings;
    let stream = timeout(connect_timeout, connect(address, tls))
        .await
        .map_err(|_| WireError::NotConnected(connect_timeout))??;
    timeout(read_timeout, exchange(stream, request))
        .await
        .map_err(|_| WireError::Silent(read_timeout))?
}

fn request(address: &Address, token: Option<&Secret>) -> Result<Request<Empty<Bytes>>, WireError> {
    let mut request = Request::get(address.path.clone())
        .header(HOST, &address.authority)
        .header(ACCEPT, "application/json")
        .body(Empty::new())
        .map_err(|_| WireError::Broken)?;
    if let Some(token) = token {
        let mut value = HeaderValue::from_str(token.expose()).map_err(|_| WireError::Token)?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    Ok(request)
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

async fn connect(
    address: &Address,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<Box<dyn Stream>, WireError> {
    let stream = TcpStream::connect((address.host.as_str(), address.port)).await.map_err(
        |error| match error.kind() {
            io::ErrorKind::ConnectionRefused => WireError::Refused,
            _ => WireError::Unreachable(error),
        },
    )?;
    let Some(tls) = tls else {
        return Ok(Box::new(stream));
    };
    let name = ServerName::try_from(address.host.clone())
        .map_err(|error| WireError::Tls(io::Error::other(error)))?;
    let stream =
        TlsConnector::from(Arc::clone(tls)).connect(name, stream).await.map_err(WireError::Tls)?;
    Ok(Box::new(stream))
}

async fn exchange(
    stream: Box<dyn Stream>,
    request: Request<Empty<Bytes>>,
) -> Result<Answer, WireError> {
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|_| WireError::Broken)?;
    let mut answer = pin!(async move {
        let response = sender.send_request(request).await.map_err(|_| WireError::Broken)?;
        Ok(Answer {
            status: response.status().as_u16(),
            body: collect(response.into_body()).await?,
        })
    });
    // The connection is driven here, so that it does not outlive the call. It may end before its
    // answer was read.
    tokio::select! {
        answer = &mut answer => answer,
        _ = connection => answer.await,
    }
}

/// Into one buffer that never grows, lest it leave copies behind.
async fn collect(mut body: Incoming) -> Result<Zeroizing<Vec<u8>>, WireError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(BODY_LIMIT));
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| WireError::Broken)?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        if bytes.len() + data.len() > BODY_LIMIT {
            return Err(WireError::Broken);
        }
        bytes.extend_from_slice(data);
    }
    Ok(bytes)
}
