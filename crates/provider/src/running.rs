//! The calls of a driver: start once, publish and unpublish volumes, stop.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use s3_credential_core::{
    CleanupContext, ErrorKind, Failure, MountTarget, PublishRequest, UnpublishRequest,
};

use s3_credential_delivery::{DirectoryLock, StatePath};

use crate::error::ProvideError;
use crate::provider::Provider;
use crate::publish::{CleanupReport, Provided};
use crate::resume::{ResumeOptions, ResumeReport};
use crate::rotation::RotationHandle;

/// Whether a provider, or a clone of it, runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Started(Arc<Running>);

#[derive(Debug, Default)]
struct Running {
    is_running: AtomicBool,
    /// The state path's lock, which one running provider has at a time, among all processes.
    lock: Mutex<Option<DirectoryLock>>,
}

impl Started {
    /// # Errors
    /// `misconfigured` where this provider, or one of another process on the same state path, runs
    /// already.
    fn begin(&self, state_path: &Path) -> Result<(), Failure> {
        self.begin_here()?;
        match StatePath::open(state_path).and_then(|state| state.try_lock_directory()) {
            Ok(Some(lock)) => self.set_lock(Some(lock)),
            Ok(None) => {
                self.end();
                return Err(runs_elsewhere(state_path));
            }
            // A state path that is full or unwritable stops no renewal.
            Err(failure) => {
                tracing::warn!(%failure, "cannot lock the state path: a second process would not be refused");
            }
        }
        Ok(())
    }

    fn begin_here(&self) -> Result<(), Failure> {
        if self.0.is_running.swap(true, Ordering::AcqRel) {
            return Err(Failure::new(
                ErrorKind::Misconfigured,
                "the provider is started already; one process starts it once",
            )
            .with_help("keep the handle that the first start returned, and share it"));
        }
        Ok(())
    }

    fn end(&self) {
        self.set_lock(None);
        self.0.is_running.store(false, Ordering::Release);
    }

    fn set_lock(&self, lock: Option<DirectoryLock>) {
        *self.0.lock.lock().unwrap_or_else(PoisonError::into_inner) = lock;
    }
}

fn runs_elsewhere(state_path: &Path) -> Failure {
    Failure::new(
        ErrorKind::Misconfigured,
        format!("another process keeps the leases in {} fresh", state_path.display()),
    )
    .with_help("stop the other process, or set another state path")
}

/// A provider that serves its endpoint, has resumed its leases and keeps them fresh.
///
/// Dropping it stops the rotation; [`RunningProvider::stop`] closes the endpoint as well, and waits
/// until it is closed.
#[derive(Debug)]
#[must_use = "credentials are kept fresh until this is dropped or stopped"]
pub struct RunningProvider {
    provider: Provider,
    rotation: RotationHandle,
    resumed: ResumeReport,
}

impl Provider {
    /// Starts the provider: serves the endpoint where the configuration or a live lease needs it,
    /// resumes the leases of the last run, and refreshes leases from then on. Requires a tokio
    /// runtime.
    ///
    /// # Errors
    /// `misconfigured` if this provider or a clone of it is started already, another process runs
    /// on the same state path, or the endpoint's address is taken; `file-system` if the state path
    /// cannot be read.
    pub async fn start(self, options: ResumeOptions<'_>) -> Result<RunningProvider, ProvideError> {
        self.started.begin(self.journal.path())?;
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
        if self.served.get().is_none() && self.needs_endpoint() {
            self.serve_endpoint()?;
        }
        let resumed = self.resume(options).await?;
        Ok((self.keep_fresh(), resumed))
    }
}

impl RunningProvider {
    /// Parses a publish request, decides the volume's credentials and delivers them.
    ///
    /// The same request again refreshes the credentials. Once the volume is mounted, every failure
    /// is UNAVAILABLE and removes no file.
    pub async fn publish(
        &self,
        request: PublishRequest,
        target: MountTarget,
    ) -> Result<Provided, ProvideError> {
        let context = self.provider.context(request, target)?;
        self.provider.provide(&context).await
    }

    /// Removes a volume's credentials with its last target path. Call it after the unmount.
    /// Idempotent.
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

    /// Stops the rotation and closes the endpoint, and returns when both have ended. Delivered
    /// files stay: the next start resumes them.
    pub async fn stop(self) {
        self.rotation.stop().await;
        #[cfg(feature = "endpoint")]
        self.provider.close_endpoint().await;
        self.provider.started.end();
    }
}
