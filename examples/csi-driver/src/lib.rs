//! The part of a CSI driver's node service that deals with credentials: what it does at each call of the kubelet.
//!
//! **In:** the kubelet's requests. **Out:** the environment that Mountpoint is started with. **Fails** with the status that the call is
//! answered with.

use std::collections::BTreeMap;
use std::path::PathBuf;

use s3_credential_provider::{
    CleanupContext, Code, MountTarget, ProvideError, Provider, PublishRequest, ResumeOptions,
    UnpublishRequest,
};

/// What a call of the kubelet is answered with where it fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The gRPC code.
    pub code: Code,
    /// What is wrong and what to do about it, on one line.
    pub message: String,
}

/// A node service's credentials.
#[derive(Debug)]
pub struct Node {
    provider: Provider,
    write_path: PathBuf,
}

impl Node {
    /// Takes up what an earlier run of the driver has left. `write_path` is the directory that the driver shares with Mountpoint.
    pub async fn start(provider: Provider, write_path: PathBuf) -> Result<Self, Status> {
        provider.resume(ResumeOptions::default()).await?;
        Ok(Self { provider, write_path })
    }

    /// NodePublishVolume, before Mountpoint is started, and again whenever the kubelet republishes.
    pub async fn publish(
        &self,
        request: PublishRequest,
    ) -> Result<BTreeMap<String, String>, Status> {
        let context = self.provider.context(request, MountTarget::new(&self.write_path))?;
        let provided = self.provider.provide(&context).await?;
        let variables = provided.environment.iter();
        Ok(variables.map(|(name, value)| (name.clone(), value.expose().to_owned())).collect())
    }

    /// NodeUnpublishVolume, after the unmount.
    pub async fn unpublish(&self, request: &UnpublishRequest) -> Result<(), Status> {
        let context = CleanupContext::from_unpublish_request(request, &self.write_path, None)
            .map_err(ProvideError::from)?;
        self.provider.cleanup(&context).await?;
        Ok(())
    }
}

impl From<ProvideError> for Status {
    fn from(error: ProvideError) -> Self {
        Self { code: error.code(), message: error.to_string() }
    }
}
