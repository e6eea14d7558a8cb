//! A node: temporary directories, a played kernel and mounter, and the real service on its socket.

mod kernel;
mod mounter;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use s3_credential_provider::{
    CredentialForm, Keys, Provider, RegionChain, ResumeOptions, SourceChain, SourceError,
    resolver_fn, source_fn,
};
use s3_csi_node::{
    Cluster, MemoryBudget, MountId, Node, NodeOptions, PluginDirectory, ServiceOptions,
    VolumeStore, serve,
};
use s3_csi_proto::csi::v1 as csi;
use s3_csi_proto::csi::v1::identity_client::IdentityClient;
use s3_csi_proto::csi::v1::node_client::NodeClient;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::Channel;

pub(crate) use kernel::PlayedKernel;
pub(crate) use mounter::PlayedMounter;

pub(crate) const CANARY: &str = "canary-7d1f";

/// What outlives the service's process.
pub(crate) struct World {
    pub(crate) scratch: TempDir,
    pub(crate) kernel: Arc<PlayedKernel>,
    pub(crate) mounter: Arc<PlayedMounter>,
    /// How often the source was asked.
    pub(crate) asked: Arc<AtomicU32>,
    pub(crate) memory: Option<MemoryBudget>,
    /// Where the pages are served, if they are.
    pub(crate) http: Option<SocketAddr>,
    /// The cluster that the service reports to, if there is one.
    pub(crate) cluster: Option<Cluster>,
}

/// A running service.
pub(crate) struct Service {
    pub(crate) node: NodeClient<Channel>,
    pub(crate) identity: IdentityClient<Channel>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), s3_csi_node::CallError>>,
}

impl World {
    pub(crate) fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        Self {
            kernel: Arc::default(),
            mounter: Arc::new(PlayedMounter::owning(scratch.path())),
            asked: Arc::default(),
            memory: None,
            http: None,
            cluster: None,
            scratch,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    pub(crate) fn target(&self, pod: &str) -> String {
        let path = format!("pods/{pod}/volumes/kubernetes.io~csi/pv/mount");
        self.path(&path).display().to_string()
    }

    pub(crate) fn directory(&self) -> PluginDirectory {
        PluginDirectory::new(self.path("plugin"))
    }

    pub(crate) async fn start(&self) -> Service {
        let asked = Arc::clone(&self.asked);
        let source = source_fn("vault", move |context| {
            let count = asked.fetch_add(1, Ordering::SeqCst) + 1;
            let is_refused = context.bucket() == Some("sealed");
            async move {
                if is_refused {
                    return Err(SourceError::not_applicable("the vault is sealed"));
                }
                let keys = Keys::new(format!("AKIA{count}"), format!("{CANARY}-{count}"));
                Ok(CredentialForm::Keys(keys))
            }
        });
        let region = resolver_fn("rack", |_| async { Ok("eu-north-1".parse()?) });
        let state = self.path("state");
        let volumes = VolumeStore::open(&state).unwrap();
        let provider = Provider::builder()
            .state_path(&state)
            .driver_chain(SourceChain::first_try(source))
            .region_chain(RegionChain::first_try(region))
            .build()
            .unwrap();
        // Tasks of connections hold a killed service for a moment, and with it its state path. A
        // process that is killed holds none.
        let mut tries = 1_000;
        let credentials = loop {
            match provider.clone().start(ResumeOptions::default()).await {
                Ok(credentials) => break credentials,
                Err(error) if tries == 0 => panic!("{error}"),
                Err(_) => tries -= 1,
            }
            tokio::task::yield_now().await;
        };
        let options = NodeOptions {
            mount_timeout: std::time::Duration::from_secs(30),
            memory: self.memory,
            user_agent: "test/1".to_owned(),
            kubelet_dir: None,
        };
        let node = Node::new(
            options,
            self.directory(),
            self.kernel.clone(),
            self.mounter.clone(),
            credentials,
            volumes,
        );
        if let Some(cluster) = self.cluster.clone() {
            node.report_to(cluster);
        }
        let socket = self.path("csi.sock");
        let options = ServiceOptions {
            driver_name: "s3.csi.aws.com".to_owned(),
            info: s3_csi_node::grpc::NodeInfo {
                node_id: "node-1".to_owned(),
                max_volumes: 7,
                topology: [("topology.kubernetes.io/zone".to_owned(), "z".to_owned())].into(),
            },
            socket: socket.clone(),
            socket_of_kubelet: socket.clone(),
            registration_dir: None,
            http: self.http,
        };
        let (stop, stopping) = oneshot::channel();
        let running = tokio::spawn(serve(node, options, async {
            let _ = stopping.await;
        }));
        let url = format!("unix://{}", socket.display());
        let node = loop {
            if let Ok(client) = NodeClient::connect(url.clone()).await {
                break client;
            }
            assert!(!running.is_finished(), "{:?}", running.await);
            tokio::task::yield_now().await;
        };
        let identity = IdentityClient::connect(url).await.unwrap();
        Service { node, identity, stop, running }
    }

    /// Returns whether no file is left of any volume.
    pub(crate) fn is_clean(&self) -> bool {
        let is_empty = |path: PathBuf| {
            std::fs::read_dir(path).map_or(true, |mut entries| entries.next().is_none())
        };
        self.kernel.entries().is_empty()
            && self.mounter.running().is_empty()
            && is_empty(self.directory().mounts())
            && is_empty(self.directory().credentials())
            && is_empty(self.path("state/.volumes"))
    }

    /// Returns the profile file that a mount's process reads.
    pub(crate) fn profile(&self, id: &MountId) -> String {
        let command = self.mounter.command(id);
        let file = command.environment["AWS_SHARED_CREDENTIALS_FILE"].expose();
        std::fs::read_to_string(file).unwrap()
    }
}

impl Service {
    pub(crate) async fn publish(
        &self,
        request: csi::NodePublishVolumeRequest,
    ) -> Result<(), tonic::Status> {
        self.node.clone().node_publish_volume(request).await.map(drop)
    }

    pub(crate) async fn unpublish(
        &self,
        volume_id: &str,
        target_path: &str,
    ) -> Result<(), tonic::Status> {
        let request = csi::NodeUnpublishVolumeRequest {
            volume_id: volume_id.to_owned(),
            target_path: target_path.to_owned(),
        };
        self.node.clone().node_unpublish_volume(request).await.map(drop)
    }

    pub(crate) async fn stats(
        &self,
        volume_id: &str,
        path: &str,
    ) -> Result<csi::NodeGetVolumeStatsResponse, tonic::Status> {
        let request = csi::NodeGetVolumeStatsRequest {
            volume_id: volume_id.to_owned(),
            volume_path: path.to_owned(),
            ..Default::default()
        };
        Ok(self.node.clone().node_get_volume_stats(request).await?.into_inner())
    }

    /// Ends the service as SIGTERM does.
    pub(crate) async fn stop(self) {
        drop((self.node, self.identity));
        self.stop.send(()).unwrap();
        self.running.await.unwrap().unwrap();
    }

    /// Ends the service as SIGKILL does.
    pub(crate) async fn kill(self) {
        drop((self.node, self.identity));
        self.running.abort();
        assert!(self.running.await.unwrap_err().is_cancelled());
    }
}

/// A valid request.
pub(crate) fn request(volume_id: &str, target_path: &str) -> csi::NodePublishVolumeRequest {
    use csi::volume_capability::access_mode::Mode;
    use csi::volume_capability::{AccessMode, AccessType, MountVolume};
    csi::NodePublishVolumeRequest {
        volume_id: volume_id.to_owned(),
        target_path: target_path.to_owned(),
        volume_capability: Some(csi::VolumeCapability {
            access_mode: Some(AccessMode { mode: Mode::MultiNodeMultiWriter.into() }),
            access_type: Some(AccessType::Mount(MountVolume {
                mount_flags: vec!["region eu-north-1".to_owned()],
                ..Default::default()
            })),
        }),
        volume_context: HashMap::from([("bucketName".to_owned(), "photos".to_owned())]),
        ..Default::default()
    }
}
