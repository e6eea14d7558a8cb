//! `/healthz`, `/readyz` and `/metrics`.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::error::CallError;
use crate::metrics::{CONTENT_TYPE, Metrics, exposition};
use crate::node::Node;

/// How long a client may take to send its request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// The most connections at a time.
const MAX_CONNECTIONS: usize = 32;

/// What the pages show.
#[derive(Debug, Clone)]
pub(crate) struct Pages {
    pub(crate) node: Node,
    pub(crate) metrics: Metrics,
    /// Whether the kubelet has registered the driver; `None` where the service does not register
    /// itself.
    pub(crate) registered: Option<watch::Receiver<bool>>,
    /// Whether the CSI socket is bound.
    pub(crate) is_serving: watch::Receiver<bool>,
}

/// Listens, before anything else is started: a taken port is an error of the start.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, CallError> {
    TcpListener::bind(address).await.map_err(|error| {
        CallError::new(
            tonic::Code::FailedPrecondition,
            format!("cannot listen at {address}: {error}; name another port with --http"),
        )
    })
}

/// Serves the pages until it is dropped.
pub(crate) async fn serve(listener: TcpListener, pages: Pages) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted && connections.len() < MAX_CONNECTIONS {
                    connections.spawn(answer_all(stream, pages.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn answer_all(stream: TcpStream, pages: Pages) {
    let answer = service_fn(|request: Request<Incoming>| {
        let pages = &pages;
        async move { Ok::<_, Infallible>(pages.answer(&request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), answer);
    // A connection that breaks has ended too.
    connection.await.unwrap_or_default();
}

impl Pages {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return page(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered\n");
        }
        match request.uri().path() {
            "/healthz" => page(StatusCode::OK, "ok\n"),
            "/readyz" => match self.ready().await {
                Ok(()) => page(StatusCode::OK, "ok\n"),
                Err(reason) => page(StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
            },
            "/metrics" => {
                let families = self.metrics.families(&self.node).await;
                let mut response = page(StatusCode::OK, exposition(&families));
                let media_type = http::HeaderValue::from_static(CONTENT_TYPE);
                response.headers_mut().insert(http::header::CONTENT_TYPE, media_type);
                response
            }
            _ => page(StatusCode::NOT_FOUND, "known pages: /healthz, /readyz, /metrics\n"),
        }
    }

    /// Returns what keeps the service from being ready, if anything does.
    pub(crate) async fn ready(&self) -> Result<(), String> {
        if !*self.is_serving.borrow() {
            return Err("the CSI socket is not bound yet, or the service stops".to_owned());
        }
        if self.registered.as_ref().is_some_and(|registered| !*registered.borrow()) {
            return Err("the kubelet has not registered the driver yet".to_owned());
        }
        self.node.check_mounter().await.map_err(|error| error.message)
    }
}

fn page(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    let plain = http::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(http::header::CONTENT_TYPE, plain);
    response
}
