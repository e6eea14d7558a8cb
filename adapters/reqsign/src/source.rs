//! A credential provider of reqsign as a credential source.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use reqsign_aws_v4::Credential;
use reqsign_core::{Context, ProvideCredential, ProvideCredentialDyn};
use s3_credential_core::{
    CredentialForm, CredentialSource, ErrorKind, Keys, ProvideContext, SourceError, quietly,
};

/// Any provider of reqsign's AWS service as a source of a chain.
///
/// # Errors
/// Not applicable where the provider returns `None`. A failure stops the chain as `unavailable`,
/// without the provider's own message: it may quote a response.
#[derive(Clone)]
pub struct ReqsignSource {
    name: Cow<'static, str>,
    context: Context,
    provider: Arc<dyn ProvideCredentialDyn<Credential = Credential>>,
}

impl ReqsignSource {
    /// Registers the provider under this name. `context` is what the provider reads files,
    /// variables and the network with.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        context: Context,
        provider: impl ProvideCredential<Credential = Credential>,
    ) -> Self {
        Self { name: name.into(), context, provider: Arc::new(provider) }
    }
}

impl fmt::Debug for ReqsignSource {
    // A third party's provider may print its keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqsignSource").field("name", &self.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl CredentialSource for ReqsignSource {
    fn name(&self) -> &str {
        &self.name
    }

    async fn provide(&self, _context: &ProvideContext) -> Result<CredentialForm, SourceError> {
        let answer = quietly(self.provider.provide_credential_dyn(&self.context)).await;
        let credential = match answer {
            Ok(Some(credential)) => credential,
            Ok(None) => {
                return Err(SourceError::not_applicable(
                    "the provider of reqsign has no credentials",
                ));
            }
            Err(_) => {
                return Err(SourceError::failed(
                    ErrorKind::Unavailable,
                    "the credential provider of reqsign failed",
                ));
            }
        };
        let mut keys = Keys::new(credential.access_key_id, credential.secret_access_key);
        if let Some(token) = credential.session_token {
            keys = keys.with_session_token(token);
        }
        if let Some(at) = credential.expires_in {
            let at = Timestamp::try_from(at.as_system_time()).map_err(|_| {
                SourceError::failed(ErrorKind::Internal, "the expiry of the keys is out of range")
            })?;
            keys = keys.with_expires_at(at);
        }
        keys.check(|part| format!("the {} of the provider of reqsign", part.as_str()))?;
        Ok(CredentialForm::Keys(keys))
    }
}
