//! The default chains: their order, and how each plug-in of them is made with its default settings.

use std::collections::HashMap;
use std::sync::Arc;

use s3_credential_core::{
    AuthenticationLevel, CredentialSource, EnvironmentRegion, MountOptionsRegion, RegionResolver,
    VolumeContextRegion, resolver_names, source_names,
};

#[allow(unused_imports, reason = "a build without sources makes none")]
use crate::plugins::built_in;
use crate::plugins::{ChainSteps, Factory, LeftOut, Step};

/// The default region resolvers, in their order.
pub(crate) const REGION_CHAIN: &[&str] = &[
    resolver_names::VOLUME_CONTEXT,
    resolver_names::MOUNT_OPTIONS,
    resolver_names::ENVIRONMENT,
    resolver_names::IMDS,
];

/// Returns the default sources of a level, in their order.
pub(crate) fn source_chain(level: AuthenticationLevel) -> &'static [&'static str] {
    match level {
        AuthenticationLevel::Driver => &[
            source_names::IRSA,
            source_names::POD_IDENTITY,
            source_names::SECRET_ENVIRONMENT,
            source_names::PROFILE,
            source_names::IMDS,
        ],
        AuthenticationLevel::Pod => &[source_names::POD_TOKEN, source_names::POD_IDENTITY],
        AuthenticationLevel::Secret => &[source_names::SECRET_REQUEST],
    }
}

impl Default for ChainSteps {
    /// The default chains, each plug-in with its default settings.
    fn default() -> Self {
        let chain =
            |level| source_chain(level).iter().map(|name| Step::new(name, source(name))).collect();
        Self {
            sources: AuthenticationLevel::ALL.map(|level| (level, chain(level))).into(),
            configured: HashMap::new(),
            resolvers: REGION_CHAIN.iter().map(|name| Step::new(name, resolver(name))).collect(),
        }
    }
}

/// Returns what makes a source of a default chain.
pub(super) fn source(name: &str) -> Result<Factory<dyn CredentialSource>, LeftOut> {
    match name {
        #[cfg(feature = "irsa")]
        source_names::IRSA => Ok(Arc::new(|context| {
            Ok(Arc::new(built_in::irsa::source(
                &s3_credential_irsa::IrsaSettings::default(),
                context,
            )?))
        })),
        #[cfg(feature = "pod-identity")]
        source_names::POD_IDENTITY => Ok(Arc::new(|context| {
            Ok(Arc::new(built_in::pod_identity::source(
                &s3_credential_pod_identity::PodIdentitySettings::default(),
                context,
            )))
        })),
        #[cfg(feature = "secret")]
        source_names::SECRET_ENVIRONMENT => {
            Ok(Arc::new(|context| Ok(Arc::new(built_in::secret_environment::source(context)))))
        }
        #[cfg(feature = "profile")]
        source_names::PROFILE => {
            Ok(Arc::new(|context| Ok(Arc::new(built_in::profile::source(context)))))
        }
        #[cfg(feature = "imds")]
        source_names::IMDS => Ok(Arc::new(|context| Ok(Arc::new(built_in::imds::source(context))))),
        #[cfg(feature = "pod-token")]
        source_names::POD_TOKEN => Ok(Arc::new(|context| {
            Ok(built_in::pod_token::source(
                &s3_credential_pod_token::PodTokenSettings::default(),
                context,
            ))
        })),
        #[cfg(feature = "secret")]
        source_names::SECRET_REQUEST => {
            Ok(Arc::new(|_| Ok(Arc::new(s3_credential_secret::SecretRequestSource::default()))))
        }
        _ => Err(LeftOut::new(name)),
    }
}

/// Returns what makes a resolver of the default chain.
fn resolver(name: &str) -> Result<Factory<dyn RegionResolver>, LeftOut> {
    match name {
        resolver_names::VOLUME_CONTEXT => Ok(Arc::new(|_| Ok(Arc::new(VolumeContextRegion)))),
        resolver_names::MOUNT_OPTIONS => Ok(Arc::new(|_| Ok(Arc::new(MountOptionsRegion)))),
        resolver_names::ENVIRONMENT => Ok(Arc::new(|context| {
            Ok(Arc::new(EnvironmentRegion::new(context.environment().clone())))
        })),
        #[cfg(feature = "imds")]
        resolver_names::IMDS => {
            Ok(Arc::new(|context| Ok(Arc::new(built_in::imds::region(context)))))
        }
        _ => Err(LeftOut::new(name)),
    }
}
