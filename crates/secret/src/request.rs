//! `secret-request`: the secrets of the publish request.

use std::borrow::Cow;

use async_trait::async_trait;
use s3_credential_core::{
    AuthenticationLevel, CredentialForm, CredentialSource, Failure, ProvideContext, SourceError,
    source_names,
};

use crate::key_names::KeyNames;
use crate::keys::Reader;

const PLACE: &str = "the request's secrets";

/// The keys of the Secret that the volume names (`nodePublishSecretRef`), which the kubelet reads
/// for every publish.
///
/// # Guarantees
/// It applies at secret level only, and reads only what this request carries. It caches no keys, so
/// a rotated Secret takes effect with the next republish.
///
/// # Errors
/// Not applicable at other levels, and where the request carries none of the names.
/// `invalid-secret` where half of a key is there, where two names disagree, or where a value could
/// not be carried.
#[derive(Debug, Clone)]
pub struct SecretRequestSource {
    name: Cow<'static, str>,
    reader: Reader,
}

impl Default for SecretRequestSource {
    fn default() -> Self {
        Self { name: source_names::SECRET_REQUEST.into(), reader: Reader::default() }
    }
}

impl SecretRequestSource {
    /// Sets names that are tried before the known ones.
    pub fn with_key_names(self, names: KeyNames) -> Result<Self, Failure> {
        Ok(Self { reader: Reader::new(Some(names))?, ..self })
    }

    /// Sets its name in chains.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self { name: Cow::Owned(name.into()), ..self }
    }
}

#[async_trait]
impl CredentialSource for SecretRequestSource {
    fn name(&self) -> &str {
        &self.name
    }

    async fn provide(&self, context: &ProvideContext) -> Result<CredentialForm, SourceError> {
        if context.level() != AuthenticationLevel::Secret {
            return Err(SourceError::not_applicable(
                "the volume attribute `authenticationSource` is not `secret`",
            ));
        }
        let secrets = context.secrets();
        if let Some(keys) = self.reader.read(PLACE, secrets)? {
            return Ok(CredentialForm::Keys(keys));
        }
        let wanted = self.reader.wanted();
        let reason = if secrets.is_empty() {
            "the request has no secrets".to_owned()
        } else {
            format!("the request's secrets have neither of {wanted}{}", Reader::there(secrets))
        };
        Err(SourceError::not_applicable(reason).with_help(format!(
            "let `nodePublishSecretRef` of the volume name a Secret with {wanted}; {}",
            self.reader.known()
        )))
    }

    fn is_from_request(&self, _: &ProvideContext) -> bool {
        true
    }
}
