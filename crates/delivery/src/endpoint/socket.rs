//! A loopback socket that listens.

use std::io::{self, ErrorKind as Io};
use std::net::{Ipv4Addr, SocketAddr};

use s3_credential_core::{ErrorKind, Failure};
use tokio::net::{TcpListener, TcpSocket};

/// Ports that only a privileged process can bind, and that IANA has not assigned.
const PRIVILEGED_PORTS: std::ops::RangeInclusive<u16> = 980..=988;

/// The most connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

pub(super) fn listen(address: Option<SocketAddr>) -> Result<TcpListener, Failure> {
    let Some(address) = address else { return default() };
    if !address.ip().is_loopback() {
        return Err(Failure::new(
            ErrorKind::Misconfigured,
            format!("the credentials endpoint would listen on {address}, which is not a loopback address"),
        )
        .with_help("use 127.0.0.1 or ::1"));
    }
    bind(address).map_err(|error| refused(Some(address), &error))
}

fn default() -> Result<TcpListener, Failure> {
    for port in PRIVILEGED_PORTS {
        match bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))) {
            Ok(listener) => {
                if !is_reserved(port) {
                    tracing::warn!(
                        port,
                        "net.ipv4.ip_unprivileged_port_start lets any process take the port of the credentials endpoint while the \
                         driver is down, and collect tokens: raise it to 1024 in this network namespace"
                    );
                }
                return Ok(listener);
            }
            Err(error) if error.kind() == Io::PermissionDenied => {
                tracing::warn!(
                    "the credentials endpoint listens on an unprivileged port, which another process could take while the driver is \
                     down: give the driver CAP_NET_BIND_SERVICE, or an address"
                );
                break;
            }
            Err(_) => {}
        }
    }
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    bind(address).map_err(|error| refused(Some(address), &error))
}

/// The file with the first port that any process may bind.
const UNPRIVILEGED_PORT_START: &str = "/proc/sys/net/ipv4/ip_unprivileged_port_start";

/// The kernel's own value, which holds where the file cannot be read.
const DEFAULT_UNPRIVILEGED_PORT_START: u32 = 1024;

/// Returns whether only a privileged process can bind this port in this network namespace.
pub(super) fn is_reserved(port: u16) -> bool {
    let start = std::fs::read_to_string(UNPRIVILEGED_PORT_START).ok();
    let start = start.and_then(|start| start.trim().parse().ok());
    u32::from(port) < start.unwrap_or(DEFAULT_UNPRIVILEGED_PORT_START)
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections of an endpoint that has just ended must not keep the next one from its port.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

pub(super) fn refused(address: Option<SocketAddr>, error: &io::Error) -> Failure {
    let place = address.map(|address| format!(" on {address}")).unwrap_or_default();
    let kind = match error.kind() {
        Io::AddrInUse => ErrorKind::Unavailable,
        _ => ErrorKind::Misconfigured,
    };
    let failure = Failure::new(
        kind,
        format!("the credentials endpoint cannot listen{place}: {}", error.kind()),
    );
    match error.kind() {
        Io::AddrInUse => failure.with_help(
            "another process listens there: end it, or give the endpoint another address",
        ),
        Io::PermissionDenied => failure
            .with_help("give the driver CAP_NET_BIND_SERVICE, or the endpoint a port from 1024 on"),
        _ => failure,
    }
}
