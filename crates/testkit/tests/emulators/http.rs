//! The least HTTP client: what a test says is what goes over the wire.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An answer, read until the connection closes.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// By lower-case name.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    /// Whether the body is as long as the head promised.
    pub(crate) fn is_whole(&self) -> bool {
        self.headers
            .get("content-length")
            .is_none_or(|length| *length == self.body.len().to_string())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// `start` is method and target: `GET /path`.
pub(crate) async fn send(
    to: SocketAddr,
    start: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> io::Result<Answer> {
    exchange(TcpStream::connect(to).await?, start, headers, body).await
}

pub(crate) async fn get(to: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    send(to, &format!("GET {path}"), headers, "").await.unwrap()
}

pub(crate) async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    start: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> io::Result<Answer> {
    let length = body.len().to_string();
    let defaults =
        [("host", "emulator"), ("connection", "close"), ("content-length", length.as_str())];
    let given = |name: &str| headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
    let lines: Vec<String> = defaults
        .iter()
        .filter(|(name, _)| !given(name))
        .chain(headers)
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let message = format!("{start} HTTP/1.1\r\n{}\r\n{body}", lines.concat());
    stream.write_all(message.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    parse(&String::from_utf8_lossy(&answer)).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

fn parse(answer: &str) -> Option<Answer> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Some(Answer { status, headers, body: body.to_owned() })
}
