//! A volume's keys as a credential provider of reqsign.

use reqsign_aws_v4::Credential;
use reqsign_core::{Context, Error, ErrorKind, ProvideCredential};
use s3_credential_core::{self as core, Keys};
use s3_credential_provider::CachedKeys;

/// The keys of one volume for reqsign and OpenDAL, refreshed in the background.
///
/// # Guarantees
/// While valid keys are cached, the call returns at once, without a lock or a request. A refresh
/// that fails leaves the cached keys in use until they expire. It never returns `None`: a chain of
/// reqsign must not go on to another identity.
///
/// # Errors
/// [`reqsign_core::Error`] if no valid keys are cached and none can be fetched. Its source says
/// which source of the chain failed, and holds no secret. It is retryable where this project's
/// error is.
#[derive(Debug, Clone)]
pub struct VolumeCredentialProvider {
    keys: CachedKeys,
}

impl VolumeCredentialProvider {
    /// Hands out these keys.
    pub fn new(keys: CachedKeys) -> Self {
        Self { keys }
    }

    /// Returns the cache behind it, which reports how fresh the keys are: `expires_at`,
    /// `refresh_at` and `last_error`.
    pub fn keys(&self) -> &CachedKeys {
        &self.keys
    }

    /// Returns the keys at once, and starts a refresh that is due. `None` if no valid keys are
    /// cached.
    pub fn current(&self) -> Option<Credential> {
        self.keys.current().map(|keys| convert(&keys))
    }
}

impl ProvideCredential for VolumeCredentialProvider {
    type Credential = Credential;

    async fn provide_credential(&self, _: &Context) -> reqsign_core::Result<Option<Credential>> {
        let keys = self.keys.get().await.map_err(error)?;
        Ok(Some(convert(&keys)))
    }
}

fn convert(keys: &Keys) -> Credential {
    Credential {
        access_key_id: keys.access_key_id.expose().to_owned(),
        secret_access_key: keys.secret_access_key.expose().to_owned(),
        session_token: keys.session_token.as_ref().map(|token| token.expose().to_owned()),
        expires_in: keys.expires_at.and_then(|at| {
            reqsign_core::time::Timestamp::from_millisecond(at.as_millisecond()).ok()
        }),
    }
}

fn error(failure: core::Failure) -> Error {
    let kind = match failure.kind() {
        core::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        core::ErrorKind::Misconfigured | core::ErrorKind::InvalidConfiguration => {
            ErrorKind::ConfigInvalid
        }
        core::ErrorKind::Throttled => ErrorKind::RateLimited,
        _ => ErrorKind::Unexpected,
    };
    let retryable = failure.is_retryable();
    Error::new(kind, failure.to_string()).with_source(failure).set_retryable(retryable)
}
