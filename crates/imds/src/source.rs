//! The instance profile as a credential source.

use async_trait::async_trait;
use s3_credential_core::{
    AuthenticationLevel, CredentialForm, CredentialSource, ProvideContext, SourceError,
    source_names,
};

use crate::client::Imds;

/// The node's instance profile, for Mountpoint to ask IMDS for itself.
///
/// It applies where IMDS lists a role; with the probe off, wherever IMDS is not switched off. It never applies at pod level: a pod
/// does not get the node's identity.
#[derive(Debug, Clone)]
pub struct ImdsSource {
    imds: Imds,
}

impl ImdsSource {
    /// Asks this IMDS.
    pub fn new(imds: Imds) -> Self {
        Self { imds }
    }
}

#[async_trait]
impl CredentialSource for ImdsSource {
    fn name(&self) -> &'static str {
        source_names::IMDS
    }

    async fn provide(&self, context: &ProvideContext) -> Result<CredentialForm, SourceError> {
        if context.level() == AuthenticationLevel::Pod {
            return Err(SourceError::not_applicable(
                "the node's instance profile is not for volumes at pod level",
            ));
        }
        let probe = if self.imds.settings().probe {
            self.imds.role().await.map(drop)
        } else {
            self.imds.check_enabled()
        };
        probe
            .map(|()| CredentialForm::InstanceProfile)
            .map_err(|trouble| trouble.into_attempt_error(self.imds.endpoint()))
    }
}
