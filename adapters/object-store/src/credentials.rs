//! A volume's keys as a credential provider of `object_store`.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use object_store::CredentialProvider;
use object_store::aws::AwsCredential;
use s3_credential_core::Keys;
use s3_credential_provider::CachedKeys;

/// The keys of one volume for `object_store`, refreshed in the background.
///
/// # Guarantees
/// While valid keys are cached, [`get_credential`](CredentialProvider::get_credential) returns at
/// once, without a lock or a request. A refresh that fails leaves the cached keys in use until they
/// expire.
///
/// # Errors
/// [`object_store::Error::Generic`] if no valid keys are cached and none can be fetched. Its source
/// says which source of the chain failed, and holds no secret.
#[derive(Debug)]
pub struct VolumeCredentialProvider {
    keys: CachedKeys,
    /// The keys of the last call, in the form of `object_store`.
    converted: ArcSwapOption<Converted>,
}

/// Keys and their converted form, so that each rotation converts once.
struct Converted {
    keys: Arc<Keys>,
    credential: Arc<AwsCredential>,
}

impl std::fmt::Debug for Converted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Converted").field("keys", &self.keys).finish_non_exhaustive()
    }
}

impl VolumeCredentialProvider {
    /// Hands out these keys.
    pub fn new(keys: CachedKeys) -> Self {
        Self { keys, converted: ArcSwapOption::empty() }
    }

    /// Returns the cache behind it, which reports how fresh the keys are: `expires_at`,
    /// `refresh_at` and `last_error`.
    pub fn keys(&self) -> &CachedKeys {
        &self.keys
    }

    /// Returns the keys at once, and starts a refresh that is due. `None` if no valid keys are
    /// cached.
    pub fn current(&self) -> Option<Arc<AwsCredential>> {
        Some(self.convert(self.keys.current()?.share()))
    }

    fn convert(&self, keys: Arc<Keys>) -> Arc<AwsCredential> {
        if let Some(converted) = &*self.converted.load()
            && Arc::ptr_eq(&converted.keys, &keys)
        {
            return Arc::clone(&converted.credential);
        }
        let credential = Arc::new(AwsCredential {
            key_id: keys.access_key_id.expose().to_owned(),
            secret_key: keys.secret_access_key.expose().to_owned(),
            token: keys.session_token.as_ref().map(|token| token.expose().to_owned()),
        });
        self.converted
            .store(Some(Arc::new(Converted { keys, credential: Arc::clone(&credential) })));
        credential
    }
}

#[async_trait]
impl CredentialProvider for VolumeCredentialProvider {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let keys = self.keys.get().await.map_err(|error| object_store::Error::Generic {
            store: "S3",
            source: Box::new(error),
        })?;
        Ok(self.convert(keys))
    }
}
