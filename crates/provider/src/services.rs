//! The services that hand out keys, as this driver asks them.

use std::collections::HashMap;
use std::sync::Arc;

use s3_credential_core::{FormKind, KeyExchange};
use s3_credential_imds::ImdsExchange;
use s3_credential_pod_identity::AgentExchange;
use s3_credential_sts::Sts;

use crate::registry::Driver;

/// One client of each service, for exchanges and for whoever wants to know how the service stands.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) driver: Driver,
    pub(crate) sts: Sts,
    pub(crate) agent: AgentExchange,
}

impl Services {
    /// How each form is exchanged for keys.
    pub(crate) fn exchanges(&self) -> HashMap<FormKind, Arc<dyn KeyExchange>> {
        let imds = ImdsExchange::new(self.driver.imds());
        HashMap::from([
            (FormKind::WebIdentity, Arc::new(self.sts.clone()) as Arc<dyn KeyExchange>),
            (FormKind::Container, Arc::new(self.agent.clone())),
            (FormKind::InstanceProfile, Arc::new(imds)),
        ])
    }
}
