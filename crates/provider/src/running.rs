//! The calls of a driver: start once, publish and unpublish volumes, stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use s3_credential_core::{
    CleanupContext, ErrorKind, Failure, MountTarget, PublishRequest, UnpublishRequest,
};

use crate::error::ProvideError;
use crate::provider::Provider;
use crate::publish::{CleanupReport, Provided};
use crate::resume::{ResumeOptions, ResumeReport};
use crate::rotation::RotationHandle;

/// Whether a provider, or a clone of it, runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Started(Arc<AtomicBool>);

impl Started {
    fn begin(&self) -> Result<(), Failure> {
        if self.0.swap(true, Ordering::AcqRel) {
            return Err(Failure::new(
                ErrorKind::Misconfigured,
                "the provider is started already; one process starts it once",
            )
            .with_help("keep the handle that the first start returned, and share it"));
        }
        Ok(())
    }

    fn end(&self) {
        self.0.store(false, Ordering::Release);
    }
}

/// A provider that serves its endpoint, has resumed its leases and keeps them fresh.
///
/// Dropping it stops the rotation; [`RunningProvider::stop`] closes the endpoint as well, and waits until it is closed.
#[derive(Debug)]
#[must_use = "credentials are kept fresh until this is dropped or stopped"]
pub struct RunningProvider {
    provider: Provider,
    rotation: RotationHandle,
    resumed: ResumeReport,
}

impl Provider {
    /// Starts the provider: serves the endpoint where the configuration or a live lease needs it, resumes the leases of the
    /// last run, and refreshes leases from then on. Requires a tokio runtime.
    ///
    /// # Errors
    /// `misconfigured` if this provider or a clone of it is started already, or the endpoint's address is taken;
    /// `file-system` if the state path cannot be read.
    pub async fn start(self, options: ResumeOptions<'_>) -> Result<RunningProvider, ProvideError> {
        self.started.begin()?;
        match self.start_parts(options).await {
            Ok((rotation, resumed)) => Ok(RunningProvider { provider: self, rotation, resumed }),
            Err(error) => {
                self.started.end();
                Err(error)
            }
        }
    }

    async fn start_parts(
        &self,
        options: ResumeOptions<'_>,
    ) -> Result<(RotationHandle, ResumeReport), ProvideError> {
        #[cfg(feature = "endpoint")]
        if self.needs_endpoint() {
            self.serve_endpoint()?;
        }
        let resumed = self.resume(options).await?;
        Ok((self.keep_fresh(), resumed))
    }
}

impl RunningProvider {
    /// Parses a publish request, decides the volume's credentials and delivers them.
    ///
    /// The same request again refreshes the credentials. Once the volume is mounted, every failure is UNAVAILABLE and
    /// removes nothing.
    pub async fn publish(
        &self,
        request: PublishRequest,
        target: MountTarget,
    ) -> Result<Provided, ProvideError> {
        let context = self.provider.context(request, target)?;
        self.provider.provide(&context).await
    }

    /// Removes a volume's credentials with its last target path. Call it after the unmount. Idempotent.
    pub async fn unpublish(
        &self,
        request: &UnpublishRequest,
        target: &MountTarget,
    ) -> Result<CleanupReport, ProvideError> {
        let pod = target.mountpoint_pod_uid.as_deref();
        let context = CleanupContext::from_unpublish_request(request, &target.write_path, pod)?;
        self.provider.cleanup(&context).await
    }

    /// Returns what the start found of the last run.
    pub fn resumed(&self) -> &ResumeReport {
        &self.resumed
    }

    /// Returns the provider, for events, leases and the calls beneath.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Stops the rotation and closes the endpoint, and returns when both have ended. Delivered files stay: the next start
    /// resumes them.
    pub async fn stop(self) {
        self.rotation.stop().await;
        #[cfg(feature = "endpoint")]
        self.provider.close_endpoint().await;
        self.provider.started.end();
    }
}
