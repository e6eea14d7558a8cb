//! The instance profile as a credential source.

use async_trait::async_trait;
use s3_credential_core::{
    AuthenticationLevel, CredentialForm, CredentialSource, ProvideContext, SourceError,
    source_names,
};

use crate::client::Imds;
use crate::keys;
use crate::trouble::Trouble;

/// The node's instance profile, for Mountpoint to ask IMDS for itself.
///
/// It applies where IMDS lists a role. A role without keys is a failure, with the reason that IMDS
/// gives. With the probe off it applies wherever IMDS is not switched off. It never applies at pod
/// level: a pod does not get the node's identity.
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
        if self.imds.settings().probe {
            self.probe().await?;
        } else {
            self.imds.check_enabled().map_err(|trouble| self.attempt_error(trouble))?;
        }
        Ok(CredentialForm::InstanceProfile)
    }
}

impl ImdsSource {
    /// Checks that IMDS lists a role and has keys for it. A role that the instance may not assume
    /// is listed as well.
    async fn probe(&self) -> Result<(), SourceError> {
        let role = self.imds.role().await.map_err(|trouble| self.attempt_error(trouble))?;
        let document =
            self.imds.keys_of(&role).await.map_err(|trouble| self.attempt_error(trouble))?;
        keys::parse(&document, self.imds.endpoint())?;
        Ok(())
    }

    fn attempt_error(&self, trouble: Trouble) -> SourceError {
        trouble.into_attempt_error(self.imds.endpoint())
    }
}
