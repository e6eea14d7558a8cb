//! The chains of the documentation, from a driver's environment.

use std::collections::HashMap;
use std::sync::Arc;

use s3_credential_core::{
    Clock, Environment, EnvironmentRegion, Failure, FormKind, KeyExchange, MountOptionsRegion,
    RegionChain, SourceChain, SourceError, VolumeContextRegion, source_fn, source_names,
};
use s3_credential_imds::{Imds, ImdsExchange, ImdsRegion, ImdsSettings, ImdsSource};
use s3_credential_irsa::{IrsaSettings, IrsaSource};
use s3_credential_pod_identity::{
    AgentExchange, AgentSettings, PodIdentitySettings, PodIdentitySource,
};
use s3_credential_pod_token::{PodTokenSettings, PodTokenSource};
use s3_credential_profile::ProfileSource;
use s3_credential_secret::{SecretEnvironmentSource, SecretRequestSource};
use s3_credential_sts::{Sts, StsSettings};

use crate::kubernetes_client;

/// What the default chains are made of.
pub(crate) struct Defaults {
    environment: Environment,
    clock: Arc<dyn Clock>,
    imds: Imds,
}

impl Defaults {
    pub(crate) fn new(environment: &Environment, clock: &Arc<dyn Clock>) -> Self {
        Self {
            environment: environment.clone(),
            clock: Arc::clone(clock),
            imds: Imds::new(environment, ImdsSettings::default(), Arc::clone(clock)),
        }
    }

    pub(crate) fn exchanges(&self) -> HashMap<FormKind, Arc<dyn KeyExchange>> {
        let sts =
            Sts::new(StsSettings::from_environment(&self.environment), Arc::clone(&self.clock));
        let agent = AgentExchange::new(self.environment.clone(), AgentSettings::default());
        let imds = ImdsExchange::new(self.imds.clone());
        HashMap::from([
            (FormKind::WebIdentity, Arc::new(sts) as Arc<dyn KeyExchange>),
            (FormKind::Container, Arc::new(agent)),
            (FormKind::InstanceProfile, Arc::new(imds)),
        ])
    }

    pub(crate) fn driver_chain(&self) -> Result<SourceChain, Failure> {
        let irsa = IrsaSource::new(
            self.environment.clone(),
            Arc::clone(&self.clock),
            IrsaSettings::default(),
        )?;
        Ok(SourceChain::first_try(irsa)
            .or_else(self.pod_identity())
            .or_else(SecretEnvironmentSource::new(&self.environment))
            .or_else(ProfileSource::new(&self.environment))
            .or_else(ImdsSource::new(self.imds.clone())))
    }

    pub(crate) fn pod_chain(&self) -> SourceChain {
        self.pod_token().or_else(self.pod_identity())
    }

    pub(crate) fn secret_chain() -> SourceChain {
        SourceChain::first_try(SecretRequestSource::default())
    }

    pub(crate) fn region_chain(&self) -> RegionChain {
        RegionChain::first_try(VolumeContextRegion)
            .or_else(MountOptionsRegion)
            .or_else(EnvironmentRegion::new(self.environment.clone()))
            .or_else(ImdsRegion::new(self.imds.clone()))
    }

    /// A Kubernetes API that is configured and cannot be used is the trouble of volumes that need it, and of no others.
    fn pod_token(&self) -> SourceChain {
        match kubernetes_client::client(&self.environment) {
            Ok(client) => {
                let clock = Arc::clone(&self.clock);
                SourceChain::first_try(PodTokenSource::new(
                    PodTokenSettings::default(),
                    clock,
                    client,
                ))
            }
            Err(failure) => SourceChain::first_try(source_fn(source_names::POD_TOKEN, move |_| {
                let failure = failure.clone();
                async move { Err(SourceError::Failed(failure)) }
            })),
        }
    }

    fn pod_identity(&self) -> PodIdentitySource {
        let clock = Arc::clone(&self.clock);
        PodIdentitySource::new(self.environment.clone(), PodIdentitySettings::default(), clock)
    }
}
