//! The services that hand out keys, and how they are called.

use std::collections::HashMap;
use std::sync::Arc;

use s3_credential_core::{Clock, Environment, FormKind, KeyExchange};
#[cfg(feature = "imds")]
use s3_credential_imds::{Imds, ImdsExchange, ImdsSettings};
#[cfg(feature = "pod-identity")]
use s3_credential_pod_identity::{AgentExchange, AgentSettings};
#[cfg(feature = "sts")]
use s3_credential_sts::{Sts, StsSettings};

#[cfg(feature = "kube")]
use crate::kubernetes_client::KubernetesClient;
use crate::plugins::PluginContext;

/// The settings of calls to the services that hand out keys. The environment has their addresses.
#[derive(Debug, Clone, Default)]
#[cfg_attr(
    feature = "yaml",
    derive(serde::Deserialize, schemars::JsonSchema),
    serde(rename_all = "camelCase", deny_unknown_fields, default)
)]
pub(crate) struct ServiceSettings {
    /// AWS STS.
    #[cfg(feature = "sts")]
    pub(crate) sts: StsSettings,
    /// The instance metadata service: for the source, the region resolver and the exchange.
    #[cfg(feature = "imds")]
    pub(crate) imds: ImdsSettings,
    /// The EKS Pod Identity agent.
    #[cfg(feature = "pod-identity")]
    pub(crate) pod_identity_agent: AgentSettings,
}

/// One client of each service, shared by exchanges and the doctor.
#[derive(Debug)]
pub(crate) struct Services {
    pub(crate) context: PluginContext,
    #[cfg(feature = "sts")]
    pub(crate) sts: Sts,
    #[cfg(feature = "pod-identity")]
    pub(crate) agent: AgentExchange,
}

impl ServiceSettings {
    /// Makes the clients of a driver with this environment.
    #[cfg_attr(
        not(any(feature = "imds", feature = "pod-identity", feature = "sts")),
        allow(clippy::unused_self, reason = "then there is none")
    )]
    pub(crate) fn services(self, environment: &Environment, clock: Arc<dyn Clock>) -> Services {
        Services {
            #[cfg(feature = "sts")]
            sts: Sts::new(self.sts.with_environment(environment), Arc::clone(&clock)),
            #[cfg(feature = "pod-identity")]
            agent: AgentExchange::new(environment.clone(), self.pod_identity_agent),
            context: PluginContext {
                #[cfg(feature = "imds")]
                imds: Imds::new(environment, self.imds, Arc::clone(&clock)),
                environment: environment.clone(),
                clock,
                #[cfg(feature = "kube")]
                kubernetes: KubernetesClient::new(environment.clone()),
            },
        }
    }
}

impl Services {
    /// Returns how each form is exchanged for keys.
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
            (FormKind::InstanceProfile, Arc::new(ImdsExchange::new(self.context.imds()))),
        ];
        exchanges.iter().cloned().collect()
    }
}
