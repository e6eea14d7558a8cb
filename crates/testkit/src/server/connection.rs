//! One connection: read a request, break or answer.

use std::convert::Infallible;
use std::future;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::{Body as _, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::fault::Effect;
use super::socket::{Reset, Socket};
use super::{BODY_LIMIT, Body, Request, Response, Shared};

type WireBody = UnsyncBoxBody<Bytes, io::Error>;

pub(super) async fn serve(stream: TcpStream, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    // Best effort: without it small answers are only slower.
    let _ = stream.set_nodelay(true);
    let (socket, reset) = Socket::new(stream);
    match tls {
        None => http(socket, reset, shared).await,
        Some(acceptor) => {
            // A client that does not trust the certificate fails here, and knows why.
            if let Ok(socket) = acceptor.accept(socket).await {
                http(socket, reset, shared).await;
            }
        }
    }
}

async fn http(
    socket: impl AsyncRead + AsyncWrite + Unpin + 'static,
    reset: Reset,
    shared: Arc<Shared>,
) {
    let service = service_fn(|request| answer(request, reset.clone(), Arc::clone(&shared)));
    // An error ends this connection only, and faults are errors on purpose.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
}

async fn answer(
    request: http::Request<Incoming>,
    reset: Reset,
    shared: Arc<Shared>,
) -> io::Result<http::Response<WireBody>> {
    let (head, body) = request.into_parts();
    // A body that says it is too long is refused before it is sent, one that does not when it
    // becomes so.
    if body.size_hint().lower() > BODY_LIMIT as u64 {
        return Ok(wire(too_large()));
    }
    let Ok(body) = Limited::new(body, BODY_LIMIT).collect().await else {
        return Ok(wire(Response::text(413, "request body too large or incomplete")));
    };
    let request = Request {
        method: head.method,
        uri: head.uri,
        headers: head.headers,
        body: body.to_bytes(),
    };
    let operation = shared.handler.operation(&request);
    shared.log.add(&operation, &request);

    let Some(fault) = shared.faults.take(&operation) else {
        return Ok(wire(shared.handler.handle(request).await));
    };
    if !fault.delay.is_zero() {
        tokio::time::sleep(fault.delay).await;
    }
    match fault.effect {
        Effect::None => Ok(wire(shared.handler.handle(request).await)),
        Effect::Answer(make) => Ok(wire(make(&request))),
        Effect::Half => Ok(half(shared.handler.handle(request).await)),
        Effect::Rewrite(rewrite) => {
            let mut response = shared.handler.handle(request).await;
            if let Body::Full(bytes) = &response.body {
                response.body =
                    Body::Full(rewrite(String::from_utf8_lossy(bytes).into_owned()).into());
            }
            Ok(wire(response))
        }
        Effect::Hang => future::pending().await,
        Effect::Reset => {
            reset.set();
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
}

fn too_large() -> Response {
    Response::text(413, "request body too large or incomplete")
}

fn wire(response: Response) -> http::Response<WireBody> {
    let body = match response.body {
        Body::Full(bytes) => {
            Full::new(bytes).map_err(|never: Infallible| match never {}).boxed_unsync()
        }
        Body::Stream(chunks) => {
            StreamBody::new(chunks.map(|chunk| Ok(Frame::data(chunk)))).boxed_unsync()
        }
    };
    assemble(response.status, response.headers, body)
}

/// The head promises the whole body; half of it is sent, then the connection closes.
fn half(response: Response) -> http::Response<WireBody> {
    let mut headers = response.headers;
    let first = match response.body {
        Body::Full(bytes) => {
            headers.insert(http::header::CONTENT_LENGTH, bytes.len().into());
            stream::iter([bytes.slice(..bytes.len() / 2)]).boxed()
        }
        Body::Stream(chunks) => chunks.take(1).boxed(),
    };
    let cut = stream::once(async {
        // hyper drops what it has not flushed when a body fails: let it flush first.
        tokio::task::yield_now().await;
        Err(io::ErrorKind::UnexpectedEof.into())
    });
    let body = StreamBody::new(first.map(|chunk| Ok(Frame::data(chunk))).chain(cut)).boxed_unsync();
    assemble(response.status, headers, body)
}

fn assemble(
    status: http::StatusCode,
    headers: http::HeaderMap,
    body: WireBody,
) -> http::Response<WireBody> {
    let mut response = http::Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
