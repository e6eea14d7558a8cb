//! The constructors of this workspace's plug-ins from their settings.

#[cfg(feature = "imds")]
pub(crate) mod imds {
    use s3_credential_imds::{ImdsRegion, ImdsSource};

    use crate::plugins::PluginContext;

    pub(crate) fn source(context: &PluginContext) -> ImdsSource {
        ImdsSource::new(context.imds())
    }

    pub(crate) fn region(context: &PluginContext) -> ImdsRegion {
        ImdsRegion::new(context.imds())
    }
}

#[cfg(feature = "irsa")]
pub(crate) mod irsa {
    use s3_credential_core::Failure;
    use s3_credential_irsa::{IrsaSettings, IrsaSource};

    use crate::plugins::PluginContext;

    pub(crate) fn source(
        settings: &IrsaSettings,
        context: &PluginContext,
    ) -> Result<IrsaSource, Failure> {
        IrsaSource::new(context.environment().clone(), context.clock(), settings.clone())
    }
}

#[cfg(feature = "pod-identity")]
pub(crate) mod pod_identity {
    use s3_credential_pod_identity::{PodIdentitySettings, PodIdentitySource};

    use crate::plugins::PluginContext;

    pub(crate) fn source(
        settings: &PodIdentitySettings,
        context: &PluginContext,
    ) -> PodIdentitySource {
        PodIdentitySource::new(context.environment().clone(), settings.clone(), context.clock())
    }
}

#[cfg(feature = "pod-token")]
pub(crate) mod pod_token {
    use std::sync::Arc;

    use s3_credential_core::{CredentialSource, source_names};
    use s3_credential_pod_token::{PodTokenSettings, PodTokenSource};

    use crate::plugins::PluginContext;
    use crate::plugins::retried::or_retried;

    pub(crate) fn source(
        settings: &PodTokenSettings,
        context: &PluginContext,
    ) -> Arc<dyn CredentialSource> {
        let (settings, clock) = (settings.clone(), context.clock());
        let kubernetes = context.kubernetes.clone();
        or_retried(source_names::POD_TOKEN, move || {
            let client = kubernetes.get()?;
            Ok(Arc::new(PodTokenSource::new(settings.clone(), Arc::clone(&clock), client)))
        })
    }
}

#[cfg(feature = "profile")]
pub(crate) mod profile {
    use s3_credential_profile::ProfileSource;

    use crate::plugins::PluginContext;

    pub(crate) fn source(context: &PluginContext) -> ProfileSource {
        ProfileSource::new(context.environment())
    }
}

#[cfg(feature = "secret")]
pub(crate) mod secret_environment {
    use s3_credential_secret::SecretEnvironmentSource;

    use crate::plugins::PluginContext;

    pub(crate) fn source(context: &PluginContext) -> SecretEnvironmentSource {
        SecretEnvironmentSource::new(context.environment())
    }
}
