//! The HTTP/1.1 server under every emulator: it counts, records, and breaks on purpose.
//!
//! A [`Handler`] names the operation of a request and answers it. Before the handler is asked, the
//! server counts the call under that name, records the request, and looks for a [`Fault`] planned
//! for it.

mod connection;
mod fault;
mod log;
mod message;
mod socket;
mod tls;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use crate::lock;

pub use fault::{ANY, Fault, Faults};
pub use log::Calls;
use log::Log;
pub use message::{Body, Request, Response};
pub use tls::TlsIdentity;

/// A request body larger than this is answered with 413.
pub const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// The most requests that are recorded; the counts go on beyond.
pub const REQUESTS_KEPT: usize = 1024;

/// The handler of an emulator's requests.
#[async_trait]
pub trait Handler: fmt::Debug + Send + Sync + 'static {
    /// Returns the name under which the request is counted and faults are planned: the API's own
    /// operation name where it has one.
    fn operation(&self, request: &Request) -> String;

    /// Returns the answer. It may be long-lived: see [`Response::stream`]. The future is dropped
    /// when the client goes away.
    async fn handle(&self, request: Request) -> Response;
}

/// A running server on a loopback address. It stops when it is dropped.
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    tls: Option<TlsIdentity>,
    running: Mutex<Option<JoinHandle<()>>>,
}

/// The state that all connections share.
#[derive(Debug)]
struct Shared {
    handler: Arc<dyn Handler>,
    log: Log,
    faults: Faults,
}

/// The address and TLS settings of a server.
#[derive(Debug, Clone)]
pub struct Listen {
    address: SocketAddr,
    tls: Option<TlsIdentity>,
}

impl Default for Listen {
    /// Plain HTTP on a free port of 127.0.0.1.
    fn default() -> Self {
        Self { address: (Ipv4Addr::LOCALHOST, 0).into(), tls: None }
    }
}

impl Listen {
    /// On this address; port 0 is a free port.
    #[must_use]
    pub fn on(mut self, address: impl Into<SocketAddr>) -> Self {
        self.address = address.into();
        self
    }

    /// Enables TLS.
    #[must_use]
    pub fn tls(mut self, identity: TlsIdentity) -> Self {
        self.tls = Some(identity);
        self
    }
}

impl Server {
    /// Starts on a free port of 127.0.0.1, on the current tokio runtime.
    pub async fn start(handler: impl Handler) -> io::Result<Self> {
        Self::start_with(handler, Listen::default()).await
    }

    /// Starts where and how `listen` says.
    pub async fn start_with(handler: impl Handler, listen: Listen) -> io::Result<Self> {
        let listener = TcpListener::bind(listen.address).await?;
        let server = Self {
            address: listener.local_addr()?,
            shared: Arc::new(Shared {
                handler: Arc::new(handler),
                log: Log::default(),
                faults: Faults::default(),
            }),
            tls: listen.tls,
            running: Mutex::default(),
        };
        server.run(listener);
        Ok(server)
    }

    /// Returns the base URL without a slash at the end: `http://127.0.0.1:40123`.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Returns its address; the same after a restart.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the number of calls of each operation so far. A call counts when its request is
    /// complete, whatever its result.
    pub fn calls(&self) -> Calls {
        self.shared.log.calls()
    }

    /// Returns the last requests, oldest first; at most [`REQUESTS_KEPT`].
    pub fn requests(&self) -> Vec<Request> {
        self.shared.log.requests()
    }

    /// Waits until `operation` was called `count` times in all.
    pub async fn called(&self, operation: &str, count: usize) {
        self.shared.log.called(operation, count).await;
    }

    /// Returns the plan of what goes wrong.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Closes the listener and every connection, and returns once they are closed. Connecting is
    /// then refused. State and counts stay.
    pub async fn stop(&self) {
        let running = lock(&self.running).take();
        if let Some(task) = running {
            task.abort();
            // Joining an aborted task is an error by design; what matters is that its sockets are
            // gone.
            let _ = task.await;
        }
    }

    /// Stops, if it runs, and listens again on the same port with the same state.
    pub async fn restart(&self) -> io::Result<()> {
        self.stop().await;
        self.run(TcpListener::bind(self.address).await?);
        Ok(())
    }

    fn run(&self, listener: TcpListener) {
        let acceptor = self.tls.as_ref().map(TlsIdentity::acceptor);
        let task = tokio::spawn(accept(listener, acceptor, Arc::clone(&self.shared)));
        *lock(&self.running) = Some(task);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(task) = lock(&self.running).take() {
            task.abort();
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("url", &self.url())
            .field("calls", &self.calls())
            .finish_non_exhaustive()
    }
}

/// Owns the connections, so that aborting this task closes them all.
async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A failed accept is the client's doing (it went away) or a lack of descriptors:
                // the next may do better.
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection::serve(stream, tls.clone(), Arc::clone(&shared)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
