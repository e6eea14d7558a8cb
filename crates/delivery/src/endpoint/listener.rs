//! From a connection to its requests.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::connections::{Connections, Trust};
use super::service::Service;
use super::settings::EndpointSettings;

/// The largest head of a request, in bytes; the least that hyper can be told.
const MAX_HEAD_LEN: usize = 8 << 10;

/// How long connections have to end by themselves.
const GRACE: Duration = Duration::from_secs(1);

/// The pause after the system had no room for a connection.
const NO_ROOM_PAUSE: Duration = Duration::from_millis(50);

pub(super) async fn listen(
    listener: TcpListener,
    settings: EndpointSettings,
    service: Arc<Service>,
    closing: watch::Receiver<bool>,
) {
    let http = http(&settings);
    let mut connections = Connections::new(settings.max_connections);
    let mut closed = pin!(closed(closing.clone()));
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => connections.admit(|trust| {
                    // Each answer is one write: there is nothing to wait for. A socket that refuses works all the same.
                    stream.set_nodelay(true).unwrap_or_default();
                    serve(http.clone(), stream, Arc::clone(&service), trust, closing.clone())
                }),
                Err(error) => recover(&error).await,
            },
            () = connections.ended() => {}
            () = closed.as_mut() => break,
        }
    }
    drop(listener);
    tokio::time::timeout(GRACE, connections.all_ended()).await.unwrap_or_default();
}

/// A client that went away is no matter; a system without room is asked again in a while, or this would be a busy loop.
async fn recover(error: &io::Error) {
    if !matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        tracing::warn!(%error, "the credentials endpoint cannot accept connections");
        tokio::time::sleep(NO_ROOM_PAUSE).await;
    }
}

/// What is taken for HTTP.
pub(super) fn http(settings: &EndpointSettings) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(settings.header_timeout)
        .max_buf_size(MAX_HEAD_LEN)
        // A body is written from where it is: no copy of the keys stays in a buffer of hyper's.
        .writev(true);
    http
}

pub(super) async fn serve(
    http: http1::Builder,
    stream: impl AsyncRead + AsyncWrite + Unpin,
    service: Arc<Service>,
    trust: Trust,
    closing: watch::Receiver<bool>,
) {
    let answer =
        service_fn(|request| async { Ok::<_, Infallible>(service.answer(request, &trust).await) });
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), answer));
    tokio::select! {
        _ = connection.as_mut() => return,
        () = closed(closing) => {}
    }
    connection.as_mut().graceful_shutdown();
    // A connection that breaks has ended too.
    connection.await.unwrap_or_default();
}

/// Until the endpoint is to end, or is gone.
async fn closed(mut closing: watch::Receiver<bool>) {
    drop(closing.wait_for(|closing| *closing).await);
}
