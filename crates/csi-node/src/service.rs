//! The running service: sockets, graceful stop.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use s3_csi_proto::csi::v1::identity_server::IdentityServer;
use s3_csi_proto::csi::v1::node_server::NodeServer;
use s3_csi_proto::pluginregistration::v1::registration_server::RegistrationServer;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::transport::Server;

use crate::cluster::{StartupTaint, watch};
use crate::error::CallError;
use crate::grpc::{IdentityService, NodeInfo, NodeService, RegistrationService};
use crate::http::{self, Pages};
use crate::metrics::{Measured, Metrics};
use crate::node::Node;
use crate::socket::Socket;

/// How long the service may take to end after SIGTERM. Kubernetes gives a pod 30 s.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(25);

/// How much of it the calls have, and how much is left for the service itself.
const CALLS_TIMEOUT: Duration = Duration::from_secs(23);
const END_TIMEOUT: Duration = Duration::from_secs(2);
/// How often readiness is looked at until the startup taint is removed.
const READY_POLL: Duration = Duration::from_secs(1);

/// Where the service listens, and what it says of itself.
#[derive(Debug, Clone)]
pub struct ServiceOptions {
    /// The driver's name.
    pub driver_name: String,
    /// What NodeGetInfo answers.
    pub info: NodeInfo,
    /// The CSI socket, as this process sees it.
    pub socket: PathBuf,
    /// The CSI socket, as the kubelet sees it.
    pub socket_of_kubelet: PathBuf,
    /// The kubelet's plugin registry, if the service registers itself.
    pub registration_dir: Option<PathBuf>,
    /// Where the pages are served, if they are.
    pub http: Option<SocketAddr>,
}

/// Serves until `stopping` is ready, then ends calls under way. The CSI socket is bound after
/// everything is set up.
///
/// # Errors
/// `FAILED_PRECONDITION` if an address is taken, or a directory is missing.
pub async fn serve(
    node: Node,
    options: ServiceOptions,
    stopping: impl Future<Output = ()>,
) -> Result<(), CallError> {
    let mut stopping = pin!(stopping);
    tokio::select! {
        started = node.start() => {
            started?;
        }
        // As after a crash: the next start takes up what this one has not.
        () = &mut stopping => return Ok(()),
    }
    let (stop, stopped) = watch::channel(false);
    let is_serving = watch::Sender::new(false);
    let registration = options.registration_dir.as_ref().map(|directory| {
        let endpoint = options.socket_of_kubelet.display().to_string();
        let service = RegistrationService::new(options.driver_name.clone(), endpoint);
        (service, directory.join(format!("{}-reg.sock", options.driver_name)))
    });
    let metrics = Metrics::new(&options.driver_name);
    let mut pages = JoinSet::new();
    let ready = Pages {
        node: node.clone(),
        metrics: metrics.clone(),
        registered: registration.as_ref().map(|(service, _)| service.registered()),
        is_serving: is_serving.subscribe(),
    };
    if let Some(address) = options.http {
        let listener = http::listen(address).await?;
        pages.spawn(http::serve(listener, ready.clone()));
    }

    let mut servers = JoinSet::new();
    let has_topology = !options.info.topology.is_empty();
    let identity = IdentityService::new(options.driver_name.clone(), has_topology, node.clone());
    let nodes = NodeService::new(node.clone(), options.info.clone());
    let calls = Server::builder()
        .add_service(Measured::new(IdentityServer::new(identity), metrics.clone()))
        .add_service(Measured::new(NodeServer::new(nodes), metrics));
    let mut socket = Socket::bind(&options.socket)?;
    let incoming = socket.incoming().map_err(|error| CallError::internal(error.to_string()))?;
    servers.spawn(calls.serve_with_incoming_shutdown(incoming, until(stopped.clone())));
    is_serving.send_replace(true);
    tracing::info!(socket = %options.socket.display(), driver = options.driver_name, "serving");

    let mut registration_socket = None;
    if let Some((service, path)) = registration {
        let mut socket = Socket::bind(&path)?;
        let incoming = socket.incoming().map_err(|error| CallError::internal(error.to_string()))?;
        let answers = Server::builder().add_service(RegistrationServer::new(service));
        servers.spawn(answers.serve_with_incoming_shutdown(incoming, until(stopped)));
        registration_socket = Some(socket);
    }

    let mut reports = JoinSet::new();
    if let Some(cluster) = node.cluster() {
        reports.spawn(watch(node.clone()));
        if let Some(taint) = cluster.startup_taint.clone() {
            reports.spawn(remove_when_ready(taint, ready));
        }
    }

    tokio::select! {
        () = &mut stopping => tracing::info!("stopping: no new call, and those under way end"),
        Some(ended) = servers.join_next() => {
            let reason = match ended {
                Ok(Ok(())) => "it ended".to_owned(),
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            return Err(CallError::internal(format!("a server stopped: {reason}")));
        }
    }
    is_serving.send_replace(false);
    stop.send_replace(true);
    drop((socket, registration_socket));
    let ending = async {
        while servers.join_next().await.is_some() {}
        node.idle().await;
    };
    if tokio::time::timeout(CALLS_TIMEOUT, ending).await.is_err() {
        tracing::warn!("calls are still under way; the next start finishes or reverses them");
    }
    let ending = async {
        servers.shutdown().await;
        pages.shutdown().await;
        reports.shutdown().await;
        node.stop().await;
    };
    if tokio::time::timeout(END_TIMEOUT, ending).await.is_err() {
        tracing::warn!("the service does not end in time");
    }
    Ok(())
}

/// Removes the startup taint once `/readyz` would answer OK.
async fn remove_when_ready(taint: StartupTaint, pages: Pages) {
    while pages.ready().await.is_err() {
        tokio::time::sleep(READY_POLL).await;
    }
    taint.remove().await;
}

async fn until(mut stopped: watch::Receiver<bool>) {
    // A dropped sender is a stop, too.
    drop(stopped.wait_for(|stopped| *stopped).await);
}
