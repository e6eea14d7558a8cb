//! The chains of the documentation, from a driver's environment.

use std::collections::HashMap;
use std::sync::Arc;

use s3_credential_core::{
    Clock, Environment, EnvironmentRegion, Failure, FormKind, KeyExchange, MountOptionsRegion,
    RegionChain, SourceChain, VolumeContextRegion,
};

pub(crate) struct Defaults {
    environment: Environment,
}

impl Defaults {
    pub(crate) fn new(environment: &Environment, _clock: &Arc<dyn Clock>) -> Result<Self, Failure> {
        Ok(Self { environment: environment.clone() })
    }

    pub(crate) fn exchanges(&self) -> HashMap<FormKind, Arc<dyn KeyExchange>> {
        HashMap::new()
    }

    pub(crate) fn driver_chain(&self) -> SourceChain {
        SourceChain::default()
    }

    pub(crate) fn pod_chain(&self) -> SourceChain {
        SourceChain::default()
    }

    pub(crate) fn secret_chain(&self) -> SourceChain {
        SourceChain::default()
    }

    pub(crate) fn region_chain(&self) -> RegionChain {
        RegionChain::first_try(VolumeContextRegion)
            .or_else(MountOptionsRegion)
            .or_else(EnvironmentRegion::new(self.environment.clone()))
    }
}
