//! One request, one connection. It knows at which stage it is, so that silence can be explained.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Method, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// More than any document that is asked for here.
const BODY_LIMIT: usize = 64 << 10;

/// The stage of a request that is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The TCP connection.
    Connection,
    /// The answer to the PUT of the session token. Its packets, and only they, carry the hop limit
    /// of the instance.
    Token,
    /// The answer to anything else.
    Answer,
}

/// The reason why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error("connection refused")]
    Refused,
    #[error("unreachable")]
    Unreachable(#[source] io::Error),
    #[error("the connection was cut, or this is not HTTP")]
    Cut(#[source] hyper::Error),
    #[error("the answer was cut, or is too large")]
    Body,
    #[error("not a request to IMDS")]
    Request,
}

/// A plain HTTP/1.1 connector without a pool, a proxy or timers: IMDS is the machine's own, and
/// rarely asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wire {
    stage: Arc<AtomicU8>,
}

impl Wire {
    /// Returns the stage that the last request waited, or still waits, for.
    pub(crate) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Relaxed) {
            1 => Stage::Token,
            2 => Stage::Answer,
            _ => Stage::Connection,
        }
    }

    fn enter(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Relaxed);
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, WireError> {
        let request = request.try_into_http1x().map_err(|_| WireError::Request)?;
        self.enter(Stage::Connection);
        let stream = connect(request.uri()).await?;
        self.enter(if request.method() == Method::PUT { Stage::Token } else { Stage::Answer });
        let request = origin_form(request)?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(WireError::Cut)?;
        let mut answer = pin!(async move {
            let answer = sender.send_request(request).await.map_err(WireError::Cut)?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, BODY_LIMIT)
                .collect()
                .await
                .map_err(|_| WireError::Body)?
                .to_bytes();
            HttpResponse::try_from(http::Response::from_parts(head, SdkBody::from(body)))
                .map_err(|_| WireError::Body)
        });
        // The connection is driven here, so that it does not outlive the call. It may end before
        // its answer was read.
        tokio::select! {
            answer = &mut answer => answer,
            _ = connection => answer.await,
        }
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let wire = self.clone();
        HttpConnectorFuture::new(async move {
            wire.send(request).await.map_err(|error| ConnectorError::io(error.into()))
        })
    }
}

async fn connect(uri: &Uri) -> Result<TcpStream, WireError> {
    let host = uri.host().ok_or(WireError::Request)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await.map_err(|error| {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => WireError::Refused,
            _ => WireError::Unreachable(error),
        }
    })
}

/// `GET /path` with a Host header, as an origin server is asked.
fn origin_form(request: http::Request<SdkBody>) -> Result<http::Request<Empty<Bytes>>, WireError> {
    let (mut head, _) = request.into_parts();
    let host = head
        .uri
        .authority()
        .and_then(|authority| HeaderValue::from_str(authority.as_str()).ok())
        .ok_or(WireError::Request)?;
    head.headers.insert(HOST, host);
    head.uri = head.uri.path_and_query().ok_or(WireError::Request)?.clone().into();
    Ok(http::Request::from_parts(head, Empty::new()))
}
