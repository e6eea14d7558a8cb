//! The part of a CSI driver's node service that deals with credentials: what it does at each call
//! of the kubelet.
//!
//! **In:** the kubelet's requests. **Out:** the variables that Mountpoint is started with.
//! **Fails** with the status that answers the call.
//!
//! ```no_run
//! # async fn run() -> Result<(), csi_driver::Status> {
//! use csi_driver::Node;
//! use s3_credential_provider::{Environment, Provider, PublishRequest, UnpublishRequest};
//!
//! let environment: Environment = std::env::vars_os().collect();
//! let provider = Provider::builder().environment(environment).build()?;
//! let node = Node::start(provider, "/run/mountpoint").await?;
//!
//! let target = "/var/lib/kubelet/pods/4a5d/volumes/kubernetes.io~csi/pv/mount";
//! let credentials = node.publish(PublishRequest::new("s3-volume", target)).await?;
//! std::process::Command::new("mount-s3").envs(&credentials.environment);
//!
//! node.unpublish(&UnpublishRequest::new("s3-volume", target)).await?;
//! node.stop().await;
//! # Ok(())
//! # }
//! ```

use std::path::PathBuf;

use s3_credential_provider::{
    Code, MountTarget, ProvideError, Provided, Provider, PublishRequest, ResumeOptions,
    RunningProvider, UnpublishRequest,
};

/// The status that answers a call of the kubelet which fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The gRPC code.
    pub code: Code,
    /// The problem and what to do about it, on one line. The kubelet shows it in the pod's events.
    pub message: String,
}

/// A node service's credentials.
#[derive(Debug)]
pub struct Node {
    credentials: RunningProvider,
    target: MountTarget,
}

impl Node {
    /// Resumes the volumes of the last run and keeps all volumes fresh from now on. `write_path` is
    /// the directory that the driver shares with Mountpoint.
    pub async fn start(provider: Provider, write_path: impl Into<PathBuf>) -> Result<Self, Status> {
        let credentials = provider.start(ResumeOptions::default()).await?;
        Ok(Self { credentials, target: MountTarget::new(write_path) })
    }

    /// Answers NodePublishVolume before Mountpoint is started, and again whenever the kubelet
    /// republishes.
    pub async fn publish(&self, request: PublishRequest) -> Result<Provided, Status> {
        Ok(self.credentials.publish(request, self.target.clone()).await?)
    }

    /// Answers NodeUnpublishVolume after the unmount.
    pub async fn unpublish(&self, request: &UnpublishRequest) -> Result<(), Status> {
        self.credentials.unpublish(request, &self.target).await?;
        Ok(())
    }

    /// Stops the rotation. Delivered files stay for the next start.
    pub async fn stop(self) {
        self.credentials.stop().await;
    }
}

impl From<ProvideError> for Status {
    fn from(error: ProvideError) -> Self {
        Self { code: error.code(), message: error.status_message() }
    }
}
