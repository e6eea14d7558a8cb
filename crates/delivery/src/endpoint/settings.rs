//! The settings of the endpoint: its address and its limits.

use std::net::SocketAddr;
use std::time::Duration;

/// The settings of the endpoint: its address and its limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointSettings {
    /// A loopback address. Where unset: 127.0.0.1 and the first free port of 980 to 988, which no
    /// unprivileged process can take to collect tokens; where this process may not bind those
    /// either (it needs `CAP_NET_BIND_SERVICE`), any free port.
    ///
    /// A running Mountpoint knows the port: an endpoint that comes back after a restart must be
    /// given the address it had.
    pub address: Option<SocketAddr>,
    /// The most open connections; 1024, and at most half of the descriptors that the process may
    /// open. Half of them may be without a token. Beyond it, the oldest one without a token closes
    /// for the next one. Where all have shown a token, an idle one of the volume with the most
    /// connections closes. A request with a valid token that is being answered is never cut off.
    pub max_connections: usize,
    /// The most open connections of one volume; 64. Beyond it, the volume's least recently used
    /// idle connection closes; where none is idle, the new one closes after its answer.
    pub max_connections_per_volume: usize,
    /// How long a connection may take to send the head of a request, from its begin or its last
    /// answer on, so how long it may idle; 10 seconds.
    pub header_timeout: Duration,
    /// The most requests of one volume that are answered in a second, and that may come at once;
    /// 100,000. In the last minutes of its keys a Mountpoint asks for every request that it signs,
    /// and a refusal is an I/O error for its users. The limit is far more than a mount signs, so it
    /// only stops a faulty client.
    pub requests_per_second: u32,
    /// How long a request waits for keys where there are none; 5 seconds.
    pub load_timeout: Duration,
}

impl Default for EndpointSettings {
    fn default() -> Self {
        Self {
            address: None,
            max_connections: 1024,
            max_connections_per_volume: 64,
            header_timeout: Duration::from_secs(10),
            requests_per_second: 100_000,
            load_timeout: Duration::from_secs(5),
        }
    }
}
