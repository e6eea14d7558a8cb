//! The diagnosis of the machine: all that credentials may come from, go through or be written to,
//! examined at once.
//!
//! It makes no change, and sends no credential but the driver's own to its Kubernetes API.

// In the order of the checks.
mod check;
mod patience;

mod sources;
mod region;
mod imds;
mod sts;
mod agent;
mod kubernetes;
mod roles;
mod clock;
mod places;

use std::path::PathBuf;

use s3_credential_core::{
    AuthenticationLevel, Failure, MountTarget, ProvideContext, PublishRequest,
};

use crate::provider::Provider;

pub use check::{Check, CheckStatus};
use patience::Patience;

/// Further subjects of the diagnosis, besides the driver's environment and configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DoctorOptions {
    /// The write path, where one is known.
    pub write_path: Option<PathBuf>,
}

impl DoctorOptions {
    /// Sets the write path.
    #[must_use]
    pub fn with_write_path(self, path: impl Into<PathBuf>) -> Self {
        Self { write_path: Some(path.into()) }
    }
}

/// The state of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnosis {
    /// Every check, in an order that does not depend on the outcome.
    pub checks: Vec<Check>,
    /// The roles with all needed permissions, and their bindings to the driver's account, as YAML
    /// for `kubectl apply`. `None` if no permission of the Kubernetes API is missing.
    pub roles: Option<String>,
}

impl Diagnosis {
    /// Returns the checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.status == CheckStatus::Failed)
    }
}

impl Provider {
    /// Looks at everything that this provider's credentials may come from, go through or be written
    /// to. It takes as long as the slowest of them, and at most about 10 seconds.
    pub async fn doctor(&self, options: &DoctorOptions) -> Diagnosis {
        let (resolver, services) = (&*self.resolver, &*self.services);
        let patience = Patience { clock: &*resolver.clock };
        let way_to_sts = async {
            let region = region::look(&patience, resolver).await;
            let sts = sts::look(&patience, resolver, services, region.resolved.as_ref()).await;
            (region, sts)
        };
        let (environment, (region, sts), imds, agent, cluster) = tokio::join!(
            sources::look(&patience, &resolver.driver),
            way_to_sts,
            imds::look(&patience, services.context.imds()),
            agent::look(&patience, resolver, services),
            kubernetes::look(&patience, resolver, services),
        );
        let imds = imds.check(resolver, services, &environment, &region);
        let clock = clock::check(&[sts.time, cluster.time]);
        let places = places::look(&patience, options.write_path.as_deref(), self.journal.path());
        let mut checks = vec![environment.check, region.check, imds, sts.check, agent];
        checks.extend(cluster.checks);
        checks.push(clock);
        checks.extend(places);
        Diagnosis { checks, roles: cluster.roles }
    }
}

/// A volume that is like any other at its level.
fn volume(
    level: AuthenticationLevel,
    attributes: &[(&str, &str)],
) -> Result<ProvideContext, Failure> {
    let request = PublishRequest::new(
        "doctor",
        "/var/lib/kubelet/pods/doctor/volumes/kubernetes.io~csi/doctor/mount",
    )
    .with_volume_context(
        [("authenticationSource", level.as_str())].into_iter().chain(attributes.iter().copied()),
    );
    ProvideContext::from_publish_request(request, MountTarget::default())
}
