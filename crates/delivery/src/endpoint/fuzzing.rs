//! A connection to the endpoint, for the fuzz targets.

use std::sync::Arc;

use s3_credential_core::{Clock, Failure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::sync::watch;

use super::connections::{Connections, Limits};
use super::grants::Grants;
use super::listener::{http, serve};
use super::service::Service;
use super::settings::EndpointSettings;

/// More than is ever sent.
const ROOM: usize = 1 << 20;

/// Returns the whole answer to a client that sends these bytes.
pub async fn converse(
    grants: Grants,
    clock: Arc<dyn Clock>,
    said: &[u8],
) -> Result<Vec<u8>, Failure> {
    let settings = EndpointSettings::default();
    let service = Arc::new(Service::new(&settings, 980, grants, clock)?);
    let (mut client, server) = duplex(ROOM);
    let (_open, closing) = watch::channel(false);
    let connections = Connections::new(Limits { total: 1, per_volume: 1, unauthenticated: 1 });
    let Some(connection) = connections.admit() else { return Ok(Vec::new()) };
    let serving = serve(http(&settings), server, service, connection, closing);
    let mut received = Vec::new();
    let conversation = async {
        // Who is refused is disconnected, and need not be heard out.
        let _ = client.write_all(said).await;
        let _ = client.shutdown().await;
        let _ = client.read_to_end(&mut received).await;
    };
    tokio::join!(serving, conversation);
    Ok(received)
}
