//! How the plug-ins of this workspace are made from their settings.

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
    use crate::plugins::broken::or_broken;

    pub(crate) fn source(
        settings: &PodTokenSettings,
        context: &PluginContext,
    ) -> Arc<dyn CredentialSource> {
        let source = context.kubernetes().map(|client| {
            Arc::new(PodTokenSource::new(settings.clone(), context.clock(), client)) as Arc<_>
        });
        or_broken(source_names::POD_TOKEN, source)
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
