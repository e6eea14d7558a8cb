//! The services that hand out keys, as this driver asks them.

use std::collections::HashMap;
use std::sync::Arc;

use s3_credential_core::{FormKind, KeyExchange};
#[cfg(feature = "imds")]
use s3_credential_imds::ImdsExchange;
#[cfg(feature = "pod-identity")]
use s3_credential_pod_identity::AgentExchange;
#[cfg(feature = "sts")]
use s3_credential_sts::Sts;

use crate::registry::Driver;

/// One client of each service, for exchanges and for whoever wants to know how the service stands.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) driver: Driver,
    #[cfg(feature = "sts")]
    pub(crate) sts: Sts,
    #[cfg(feature = "pod-identity")]
    pub(crate) agent: AgentExchange,
}

impl Services {
    /// How each form is exchanged for keys.
    #[cfg_attr(
        not(any(feature = "imds", feature = "pod-identity", feature = "sts")),
        allow(clippy::unused_self, reason = "then there is none")
    )]
    pub(crate) fn exchanges(&self) -> HashMap<FormKind, Arc<dyn KeyExchange>> {
        let exchanges: &[(FormKind, Arc<dyn KeyExchange>)] = &[
            #[cfg(feature = "sts")]
            (FormKind::WebIdentity, Arc::new(self.sts.clone())),
            #[cfg(feature = "pod-identity")]
            (FormKind::Container, Arc::new(self.agent.clone())),
            #[cfg(feature = "imds")]
            (FormKind::InstanceProfile, Arc::new(ImdsExchange::new(self.driver.imds()))),
        ];
        exchanges.iter().cloned().collect()
    }
}
