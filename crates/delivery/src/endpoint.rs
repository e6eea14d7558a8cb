//! The loopback credentials endpoint: one listener for all volumes, asked by Mountpoint over the
//! container-credentials protocol of the AWS SDKs (`AWS_CONTAINER_CREDENTIALS_FULL_URI`,
//! `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`).

mod settings;

mod token;
mod limit;
mod grants;
mod pushed_keys;

mod socket;
mod connections;
mod descriptors;
mod listener;

mod request;
mod answer;
mod answer_counts;
mod service;

#[cfg(fuzzing)]
pub mod fuzzing;

use std::net::SocketAddr;
use std::sync::Arc;

use s3_credential_core::{Clock, Failure};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use answer_counts::AnswerCounts;
pub use grants::{Grants, KeySource};
pub use pushed_keys::PushedKeys;
pub use settings::EndpointSettings;
pub use token::new_token;

/// A listening endpoint. It ends, at once and with all connections, when it is dropped.
///
/// # Guarantees
/// A volume's keys are returned only to clients that know its token and connect to this machine by
/// its loopback address. No answer reveals whether a volume is known. Keys that the volume's
/// [`KeySource`] holds are returned without waiting. No slow, idle or greedy client delays the
/// answer to one that knows its token.
///
/// # Assumptions
/// Only the volume's Mountpoint reads the token. The port is one that no other user can take, see
/// [`EndpointSettings::address`] and [`Endpoint::has_reserved_port`].
///
/// # Descriptors
/// The start raises the process's soft limit of open files towards the hard limit. Connections use
/// at most half of it, see [`EndpointSettings::max_connections`].
///
/// # Without a provider
/// The endpoint needs no provider: another process can serve it, and [`PushedKeys`] holds what that
/// process receives. Grants are inserted, updated and removed by the lease's name while it listens.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), s3_credential_core::Failure> {
/// use std::sync::Arc;
/// use s3_credential_core::{Keys, SystemClock};
/// use s3_credential_delivery::{Endpoint, EndpointSettings, Grants, new_token};
/// use tokio::runtime::Handle;
///
/// let grants = Grants::default();
/// let address = Some(([127, 0, 0, 1], 0).into());
/// let settings = EndpointSettings { address, ..EndpointSettings::default() };
/// let clock = Arc::new(SystemClock);
/// let endpoint = Endpoint::bind(&settings, grants.clone(), clock, &Handle::current())?;
///
/// let keys = Arc::new(Keys::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI"));
/// grants.insert("volume-1", new_token()?, Arc::new(keys))?;
/// assert!(endpoint.uri("volume-1").ends_with("/v1/volumes/volume-1"));
/// endpoint.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Endpoint {
    address: SocketAddr,
    answers: Arc<AnswerCounts>,
    closing: watch::Sender<bool>,
    listening: JoinHandle<()>,
}

impl Endpoint {
    /// Listens, on this runtime. What `grants` holds may change at any time.
    ///
    /// # Errors
    /// `misconfigured` where the address is taken, may not be bound or is none of the loopback.
    pub fn bind(
        settings: &EndpointSettings,
        grants: Grants,
        clock: Arc<dyn Clock>,
        runtime: &Handle,
    ) -> Result<Self, Failure> {
        let _runtime = runtime.enter();
        let listener = socket::listen(settings.address)?;
        let address = listener.local_addr().map_err(|error| socket::refused(None, &error))?;
        let service = service::Service::new(settings, address.port(), grants, clock)?;
        let answers = service.answers();
        let (closing, closed) = watch::channel(false);
        let listening =
            runtime.spawn(listener::listen(listener, settings.clone(), Arc::new(service), closed));
        tracing::debug!(%address, "the credentials endpoint listens");
        Ok(Self { address, answers, closing, listening })
    }

    /// Returns the address. To survive a restart, the next endpoint is bound to it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns whether only a privileged process can take this port while the endpoint is down:
    /// `net.ipv4.ip_unprivileged_port_start` of this network namespace is above it. Otherwise
    /// another local process could bind the port and collect tokens.
    pub fn has_reserved_port(&self) -> bool {
        socket::is_reserved(self.address.port())
    }

    /// Returns the URI of the keys of this volume.
    pub fn uri(&self, id: &str) -> String {
        format!("http://{}{}{id}", self.address, request::PATH)
    }

    /// Returns how many answers of each HTTP status it gave.
    pub fn answers(&self) -> Vec<(u16, u64)> {
        self.answers.all()
    }

    /// Stops listening, and returns when pending requests are answered, or a second later.
    pub async fn shutdown(self) {
        self.close().await;
    }

    /// Closes a shared endpoint like [`Endpoint::shutdown`]. It does not listen again.
    pub async fn close(&self) {
        self.closing.send_replace(true);
        // The listener and its connections hold the receivers: all are dropped when it has ended,
        // by a panic too.
        self.closing.closed().await;
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.listening.abort();
    }
}
