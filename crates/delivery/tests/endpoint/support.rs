//! An endpoint, what it serves, and a client that sends exactly the given bytes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use s3_credential_core::{ErrorKind, Failure, Keys, Secret};
use s3_credential_delivery::{Endpoint, EndpointSettings, Grants, KeySource, new_token};
use s3_credential_testkit::clock::ManualClock;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::timeout;

/// Longer than any test takes: what has not happened by then does not happen.
const NEVER: Duration = Duration::from_secs(30);

pub(crate) fn now() -> Timestamp {
    "2026-11-23T12:00:00.75Z".parse().unwrap()
}

pub(crate) fn settings() -> EndpointSettings {
    EndpointSettings { address: Some(([127, 0, 0, 1], 0).into()), ..EndpointSettings::default() }
}

pub(crate) struct Site {
    pub(crate) endpoint: Endpoint,
    pub(crate) grants: Grants,
    pub(crate) clock: ManualClock,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with(&settings())
    }

    pub(crate) fn with(settings: &EndpointSettings) -> Self {
        let (grants, clock) = (Grants::default(), ManualClock::new(now()));
        let endpoint = bind(settings, &grants, &clock).unwrap();
        Self { endpoint, grants, clock }
    }

    /// Serves keys for an hour under this id.
    pub(crate) fn volume(&self, id: &str) -> Volume {
        let keys = Keyring::new(keys(id).with_expires_at(now() + Duration::from_hours(1)));
        let token = new_token().unwrap();
        self.grants.insert(id, token.clone(), Arc::clone(&keys) as _).unwrap();
        Volume { id: id.to_owned(), token, keys, port: self.port() }
    }

    pub(crate) fn port(&self) -> u16 {
        self.endpoint.address().port()
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.endpoint.address()).await
    }

    pub(crate) async fn ask(&self, request: &str) -> Answer {
        self.client().await.ask(request).await
    }
}

pub(crate) fn bind(
    settings: &EndpointSettings,
    grants: &Grants,
    clock: &ManualClock,
) -> Result<Endpoint, Failure> {
    Endpoint::bind(settings, grants.clone(), Arc::new(clock.clone()), &Handle::current())
}

/// What a mount has: where to ask, and what to show.
pub(crate) struct Volume {
    pub(crate) id: String,
    pub(crate) token: Secret,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) port: u16,
}

impl Volume {
    pub(crate) fn path(&self) -> String {
        format!("/v1/volumes/{}", self.id)
    }

    /// The headers of an SDK.
    pub(crate) fn headers(&self) -> String {
        format!("Host: 127.0.0.1:{}\r\nAuthorization: {}\r\n", self.port, self.token.expose())
    }

    pub(crate) fn request(&self) -> String {
        format!("GET {} HTTP/1.1\r\n{}\r\n", self.path(), self.headers())
    }
}

pub(crate) fn keys(id: &str) -> Keys {
    Keys::new(format!("AKIA{id}"), format!("canary-secret-{id}"))
        .with_session_token(format!("canary-session-{id}"))
}

/// Keys that a test changes or takes away.
#[derive(Debug, Default)]
pub(crate) struct Keyring {
    held: Mutex<Option<Arc<Keys>>>,
    upstream: Mutex<Option<Result<Keys, ErrorKind>>>,
    answered: Notify,
    loads: AtomicUsize,
}

impl Keyring {
    fn new(keys: Keys) -> Arc<Self> {
        let keyring = Arc::new(Self::default());
        keyring.hold(Some(keys));
        keyring
    }

    pub(crate) fn hold(&self, keys: Option<Keys>) {
        *self.held.lock().unwrap() = keys.map(Arc::new);
    }

    /// What loads come to, those under way included; without it, they never end.
    pub(crate) fn upstream(&self, answer: Result<Keys, ErrorKind>) {
        *self.upstream.lock().unwrap() = Some(answer);
        self.answered.notify_waiters();
    }

    pub(crate) fn loads(&self) -> usize {
        self.loads.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl KeySource for Keyring {
    fn current(&self) -> Option<Arc<Keys>> {
        self.held.lock().unwrap().clone()
    }

    async fn load(&self) -> Result<Arc<Keys>, Failure> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        loop {
            let answered = self.answered.notified();
            let answer = self.upstream.lock().unwrap().clone();
            if let Some(answer) = answer {
                return answer
                    .map(Arc::new)
                    .map_err(|kind| Failure::new(kind, "detail of upstream"));
            }
            answered.await;
        }
    }
}

/// One connection.
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(BufReader::new(TcpStream::connect(address).await.unwrap()))
    }

    /// A connection that was closed already swallows it.
    pub(crate) async fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap_or_default();
    }

    pub(crate) async fn ask(&mut self, request: &str) -> Answer {
        self.say(request).await;
        self.answer().await.unwrap()
    }

    /// Returns the next answer; `None` if the connection was closed instead.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        timeout(NEVER, self.read_answer()).await.unwrap()
    }

    async fn read_answer(&mut self) -> Option<Answer> {
        let status = self.line().await?.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = BTreeMap::new();
        while let Some((name, value)) = self.line().await?.split_once(": ") {
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.ok()?;
        Some(Answer { status, headers, body: String::from_utf8(body).unwrap() })
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.0.read_line(&mut line).await.ok().filter(|length| *length > 0)?;
        Some(line.trim_end().to_owned())
    }

    /// Waits until the other side has closed without another byte.
    pub(crate) async fn is_closed(&mut self) {
        let mut rest = Vec::new();
        // A reset is a close too.
        timeout(NEVER, self.0.read_to_end(&mut rest)).await.unwrap().unwrap_or_default();
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }
}

#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn field(&self, name: &str) -> String {
        let document: Value = serde_json::from_str(&self.body).unwrap();
        document[name].as_str().unwrap().to_owned()
    }
}
