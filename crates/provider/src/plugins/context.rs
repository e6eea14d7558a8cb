//! The context that plug-ins get from their driver.

use std::fmt;
use std::sync::Arc;

#[cfg(feature = "kube")]
use kube::Client;
#[cfg(feature = "kube")]
use s3_credential_core::Failure;
use s3_credential_core::{Clock, Environment};
#[cfg(feature = "imds")]
use s3_credential_imds::Imds;

#[cfg(feature = "kube")]
use crate::kubernetes_client::KubernetesClient;

/// The context that a plug-in gets from its driver: the environment, the clock, and shared clients.
#[derive(Clone)]
pub struct PluginContext {
    pub(crate) environment: Environment,
    pub(crate) clock: Arc<dyn Clock>,
    #[cfg(feature = "imds")]
    pub(crate) imds: Imds,
    #[cfg(feature = "kube")]
    pub(crate) kubernetes: KubernetesClient,
}

impl PluginContext {
    /// Returns the driver's environment variables.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Returns the source of time.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Returns the instance metadata service.
    #[cfg(feature = "imds")]
    pub fn imds(&self) -> Imds {
        self.imds.clone()
    }

    /// Returns a client of the Kubernetes API that `KUBECONFIG` or the driver's pod names. `None`
    /// if neither is there.
    ///
    /// It is made when it is first asked for, and after a failure the next call tries again. It
    /// neither retries nor limits the time of an answer, since watches go through it too: its
    /// callers do.
    #[cfg(feature = "kube")]
    pub fn kubernetes(&self) -> Result<Option<Client>, Failure> {
        self.kubernetes.get()
    }
}

impl fmt::Debug for PluginContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginContext")
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}
