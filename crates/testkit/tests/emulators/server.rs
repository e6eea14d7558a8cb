use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::channel::mpsc;
use s3_credential_testkit::server::{
    ANY, BODY_LIMIT, Fault, Handler, Listen, Request, Response, Server, TlsIdentity,
};
use std::sync::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

use crate::http::{self, get, send};

/// `GET /Name` is operation `Name`; the answer is the name and the body.
#[derive(Debug)]
struct Echo;

#[async_trait]
impl Handler for Echo {
    fn operation(&self, request: &Request) -> String {
        request.path().trim_start_matches('/').to_owned()
    }

    async fn handle(&self, request: Request) -> Response {
        Response::text(
            200,
            format!("{}:{}", request.path(), String::from_utf8_lossy(&request.body)),
        )
    }
}

async fn echo() -> Server {
    Server::start(Echo).await.unwrap()
}

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn calls_are_counted_by_operation() {
    let server = echo().await;
    get(server.address(), "/A", &[]).await;
    get(server.address(), "/A", &[]).await;
    get(server.address(), "/B", &[]).await;
    let calls = server.calls();
    assert_eq!((calls.of("A"), calls.of("B"), calls.of("C"), calls.total()), (2, 1, 0, 3));
    assert_eq!(calls.iter().collect::<Vec<_>>(), [("A", 2), ("B", 1)]);
}

#[tokio::test]
async fn requests_are_recorded_whole_and_debug_shows_no_secret() {
    let server = echo().await;
    send(server.address(), "POST /A?q=canary-1", &[("authorization", "canary-2")], "canary-3")
        .await
        .unwrap();
    let requests = server.requests();
    assert_eq!(requests[0].header("Authorization"), Some("canary-2"));
    assert_eq!(requests[0].body, "canary-3");
    assert_eq!(requests[0].query()["q"], "canary-1");
    let debug = format!("{server:?} {requests:?}");
    assert!(!debug.contains("canary"), "{debug}");
}

#[tokio::test]
async fn forms_are_decoded() {
    let server = echo().await;
    send(server.address(), "POST /A", &[], "x=a+b%3D%2f&empty=&bare&odd=%zz%4").await.unwrap();
    let form = server.requests()[0].form();
    let expected = [("bare", ""), ("empty", ""), ("odd", "%zz%4"), ("x", "a b=/")];
    assert_eq!(form.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_call_can_be_awaited() {
    let server = Arc::new(echo().await);
    let address = server.address();
    let (_, ()) = tokio::join!(get(address, "/A", &[]), server.called("A", 1));
    assert_eq!(server.calls().of("A"), 1);
}

#[tokio::test]
async fn an_oversize_body_is_refused_and_not_handled() {
    let server = echo().await;
    let length = (BODY_LIMIT + 1).to_string();
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let head = format!(
        "POST /A HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 413");
    assert_eq!(server.calls().total(), 0);
}

#[tokio::test]
async fn a_fault_lasts_for_the_planned_number_of_calls() {
    let server = echo().await;
    server.faults().times("A", 2, Fault::status(503, "busy"));
    server.faults().once("A", Fault::status(429, "slow down"));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(get(server.address(), "/A", &[]).await.status);
    }
    assert_eq!(statuses, [503, 503, 429, 200]);
}

#[tokio::test]
async fn a_fault_hits_its_operation_only() {
    let server = echo().await;
    server.faults().always("A", Fault::status(500, ""));
    assert_eq!(get(server.address(), "/B", &[]).await.status, 200);
    assert_eq!(get(server.address(), "/A", &[]).await.status, 500);
    server.faults().clear("A");
    assert_eq!(get(server.address(), "/A", &[]).await.status, 200);
}

#[tokio::test]
async fn a_fault_for_any_operation_gives_way_to_the_operations_own() {
    let server = echo().await;
    server.faults().always(ANY, Fault::status(500, ""));
    server.faults().once("A", Fault::status(503, ""));
    assert_eq!(get(server.address(), "/A", &[]).await.status, 503);
    assert_eq!(get(server.address(), "/A", &[]).await.status, 500);
    server.faults().clear_all();
    assert_eq!(get(server.address(), "/A", &[]).await.status, 200);
}

#[tokio::test]
async fn an_answer_can_be_made_from_the_request() {
    let server = echo().await;
    server
        .faults()
        .once("A", Fault::answer(|request| Response::text(400, format!("not {}", request.path()))));
    assert_eq!(get(server.address(), "/A", &[]).await.body, "not /A");
}

#[tokio::test(start_paused = true)]
async fn latency_delays_the_right_answer() {
    let server = echo().await;
    server.faults().once("A", Fault::latency(HOUR));
    let started = Instant::now();
    assert_eq!(get(server.address(), "/A", &[]).await.body, "/A:");
    assert!(started.elapsed() >= HOUR);
}

#[tokio::test(start_paused = true)]
async fn an_error_can_be_late_too() {
    let server = echo().await;
    server.faults().once("A", Fault::status(500, "").delayed(HOUR));
    let started = Instant::now();
    assert_eq!(get(server.address(), "/A", &[]).await.status, 500);
    assert!(started.elapsed() >= HOUR);
}

#[tokio::test(start_paused = true)]
async fn a_hang_counts_the_call_and_never_answers() {
    let server = echo().await;
    server.faults().once("A", Fault::hang());
    assert!(timeout(HOUR, get(server.address(), "/A", &[])).await.is_err());
    assert_eq!(server.calls().of("A"), 1);
    assert_eq!(get(server.address(), "/A", &[]).await.status, 200);
}

#[tokio::test]
async fn half_an_answer_is_cut_short_of_its_length() {
    let server = echo().await;
    server.faults().once("A", Fault::half_answer());
    let answer = send(server.address(), "POST /A", &[], "1234567").await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "/A:12"));
    assert!(!answer.is_whole());
}

#[tokio::test]
async fn a_reset_is_seen_as_a_reset() {
    let server = echo().await;
    server.faults().once("A", Fault::reset());
    let error = send(server.address(), "GET /A", &[], "").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(get(server.address(), "/A", &[]).await.status, 200);
}

#[tokio::test]
async fn garbage_is_a_success_that_cannot_be_read() {
    let server = echo().await;
    server.faults().once("A", Fault::garbage());
    let answer = get(server.address(), "/A", &[]).await;
    assert_eq!(answer.status, 200);
    assert!(serde_json::from_str::<serde_json::Value>(&answer.body).is_err());
}

#[tokio::test]
async fn a_stopped_server_refuses_and_restarts_on_its_port_with_its_counts() {
    let server = echo().await;
    let address = server.address();
    let mut idle = TcpStream::connect(address).await.unwrap();
    get(address, "/A", &[]).await;
    server.stop().await;
    assert_eq!(
        TcpStream::connect(address).await.unwrap_err().kind(),
        io::ErrorKind::ConnectionRefused
    );
    assert_eq!(idle.read(&mut [0]).await.unwrap_or(0), 0, "open connections are closed");
    server.restart().await.unwrap();
    get(address, "/A", &[]).await;
    assert_eq!(server.calls().of("A"), 2);
}

#[tokio::test]
async fn a_dropped_server_is_gone() {
    let server = echo().await;
    let mut idle = TcpStream::connect(server.address()).await.unwrap();
    drop(server);
    assert_eq!(idle.read(&mut [0]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn it_can_listen_on_ipv6() {
    let listen = Listen::default().on(([0, 0, 0, 0, 0, 0, 0, 1], 0));
    let server = Server::start_with(Echo, listen).await.unwrap();
    assert!(server.url().starts_with("http://[::1]:"));
    assert_eq!(get(server.address(), "/A", &[]).await.status, 200);
}

#[tokio::test]
async fn tls_is_trusted_by_clients_that_trust_its_authority() {
    let identity = TlsIdentity::generate();
    let server = Server::start_with(Echo, Listen::default().tls(identity.clone())).await.unwrap();
    assert!(server.url().starts_with("https://127.0.0.1:"));
    for (ca, trusted) in
        [(identity.ca_pem().to_owned(), true), (TlsIdentity::generate().ca_pem().to_owned(), false)]
    {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let socket = TcpStream::connect(server.address()).await.unwrap();
        let name = "127.0.0.1".try_into().unwrap();
        match TlsConnector::from(Arc::new(config)).connect(name, socket).await {
            Ok(stream) => {
                assert!(trusted);
                assert_eq!(http::exchange(stream, "GET /A", &[], "").await.unwrap().body, "/A:");
            }
            Err(error) => assert!(!trusted, "{error}"),
        }
    }
}

/// Answers with one stream whose chunks the test feeds.
#[derive(Debug)]
struct Feed(Mutex<Option<mpsc::UnboundedReceiver<Bytes>>>);

#[async_trait]
impl Handler for Feed {
    fn operation(&self, _: &Request) -> String {
        "Watch".to_owned()
    }

    async fn handle(&self, _: Request) -> Response {
        Response::stream(self.0.lock().unwrap().take().unwrap())
    }
}

#[tokio::test]
async fn a_stream_arrives_chunk_by_chunk_and_ends_with_its_client() {
    let (feed, chunks) = mpsc::unbounded();
    let server = Server::start(Feed(Mutex::new(Some(chunks)))).await.unwrap();
    let mut client = TcpStream::connect(server.address()).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    for event in ["first", "second"] {
        feed.unbounded_send(Bytes::from(event)).unwrap();
        let mut seen = String::new();
        while !seen.contains(event) {
            let mut buffer = [0; 256];
            let read = client.read(&mut buffer).await.unwrap();
            assert_ne!(read, 0);
            seen += std::str::from_utf8(&buffer[..read]).unwrap();
        }
    }
    drop(client);
    while !feed.is_closed() {
        tokio::task::yield_now().await;
    }
}
