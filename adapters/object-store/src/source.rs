//! A credential provider of `object_store` as a credential source.

use std::borrow::Cow;
use std::fmt;

use async_trait::async_trait;
use object_store::aws::AwsCredentialProvider;
use s3_credential_core::{
    CredentialForm, CredentialSource, ErrorKind, Keys, ProvideContext, SourceError, quietly,
};

/// Any credential provider of `object_store` as a source of a chain.
///
/// The keys have no expiry, since `object_store` does not report one: a lease asks for them again
/// at each republish.
///
/// # Errors
/// `unavailable` if the provider fails. Its own message is left out: it may quote a response.
pub struct ObjectStoreSource {
    name: Cow<'static, str>,
    provider: AwsCredentialProvider,
}

impl ObjectStoreSource {
    /// Registers the provider under this name.
    pub fn new(name: impl Into<Cow<'static, str>>, provider: AwsCredentialProvider) -> Self {
        Self { name: name.into(), provider }
    }
}

impl fmt::Debug for ObjectStoreSource {
    // A third party's provider may print its keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectStoreSource").field("name", &self.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl CredentialSource for ObjectStoreSource {
    fn name(&self) -> &str {
        &self.name
    }

    async fn provide(&self, _context: &ProvideContext) -> Result<CredentialForm, SourceError> {
        let credential = quietly(self.provider.get_credential()).await.map_err(|_| {
            SourceError::failed(
                ErrorKind::Unavailable,
                "the credential provider of object_store failed",
            )
        })?;
        let mut keys = Keys::new(credential.key_id.as_str(), credential.secret_key.as_str());
        if let Some(token) = &credential.token {
            keys = keys.with_session_token(token.as_str());
        }
        keys.check(|part| format!("the {} of the provider of object_store", part.as_str()))?;
        Ok(CredentialForm::Keys(keys))
    }
}
