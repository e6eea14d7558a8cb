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
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::connections::{Connection, Connections};
use super::descriptors;
use super::service::Service;
use super::settings::EndpointSettings;

/// The largest head of a request, in bytes; the lowest limit that hyper accepts.
const MAX_HEAD_LEN: usize = 8 << 10;

/// The time that connections have to end by themselves.
const GRACE: Duration = Duration::from_secs(1);

/// How long a closing connection may take before the next one is asked to close, and before the
/// system is asked for a descriptor again.
const NO_ROOM_PAUSE: Duration = Duration::from_millis(50);

/// The least time between two warnings that connections cannot be accepted.
const WARNING_INTERVAL: Duration = Duration::from_mins(1);

pub(super) async fn listen(
    listener: TcpListener,
    settings: EndpointSettings,
    service: Arc<Service>,
    closing: watch::Receiver<bool>,
) {
    let http = http(&settings);
    let connections = Connections::new(descriptors::limits(&settings));
    let mut tasks = JoinSet::new();
    let mut closed = pin!(closed(closing.clone()));
    // A connection that was accepted and waits for room: the only one beyond the limits.
    let mut waiting = None;
    let mut no_descriptor = false;
    let mut warned_at: Option<Instant> = None;
    loop {
        if let Some(stream) = waiting.take() {
            match connections.admit() {
                Some(connection) => {
                    let (http, service) = (http.clone(), Arc::clone(&service));
                    tasks.spawn(serve(http, stream, service, connection, closing.clone()));
                }
                None => waiting = Some(stream),
            }
        }
        let is_full = no_descriptor || waiting.is_some();
        if is_full {
            connections.make_room();
        }
        tokio::select! {
            accepted = listener.accept(), if !is_full => match accepted {
                Ok((stream, _)) => {
                    // Each answer is one write: there is no reason to delay it. A socket that
                    // refuses works all the same.
                    stream.set_nodelay(true).unwrap_or_default();
                    waiting = Some(stream);
                }
                Err(error) if is_of_client(&error) => {}
                Err(error) => {
                    no_descriptor = true;
                    if warned_at.is_none_or(|at| at.elapsed() > WARNING_INTERVAL) {
                        warned_at = Some(Instant::now());
                        tracing::warn!(%error, "the credentials endpoint cannot accept connections");
                    }
                }
            },
            Some(_) = tasks.join_next() => no_descriptor = false,
            () = tokio::time::sleep(NO_ROOM_PAUSE), if is_full => no_descriptor = false,
            () = closed.as_mut() => break,
        }
    }
    drop(listener);
    let all_ended = async { while tasks.join_next().await.is_some() {} };
    tokio::time::timeout(GRACE, all_ended).await.unwrap_or_default();
}

/// A client that went away before it was accepted.
fn is_of_client(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
}

/// Returns the settings of the HTTP parser.
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
    connection: Connection,
    closing: watch::Receiver<bool>,
) {
    let answer = service_fn(|request| async {
        Ok::<_, Infallible>(service.answer(request, &connection).await)
    });
    let mut serving = pin!(http.serve_connection(TokioIo::new(stream), answer));
    let grace = tokio::select! {
        biased;
        // First, so that a token that has arrived counts before the connection is judged.
        _ = serving.as_mut() => return,
        () = connection.must_leave() => match (connection.is_authenticated(), connection.is_busy()) {
            (false, _) => return,
            (true, false) => GRACE,
            (true, true) => service.load_timeout.saturating_add(GRACE),
        },
        // The listener ends what takes too long.
        () = closed(closing) => Duration::MAX,
    };
    serving.as_mut().graceful_shutdown();
    // A connection that breaks has ended too.
    drop(tokio::time::timeout(grace, serving).await);
}

/// Until the endpoint is to end, or is gone.
async fn closed(mut closing: watch::Receiver<bool>) {
    drop(closing.wait_for(|closing| *closing).await);
}
