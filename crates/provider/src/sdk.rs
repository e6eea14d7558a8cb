//! To and from the AWS SDK for Rust: its providers as plug-ins here, a volume's credentials and
//! region as providers there.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use async_trait::async_trait;
use aws_config::meta::region::{ProvideRegion, future::ProvideRegion as RegionFuture};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use s3_credential_core::{
    CredentialForm, CredentialSource, ErrorKind, Keys, ProvideContext, Region, RegionError,
    RegionResolver, SourceError, quietly,
};

use crate::cache::CachedKeys;
use crate::provider::Provider;

/// Any credentials provider of the AWS SDK as a source: a profile, SSO, a process, Roles Anywhere.
///
/// # Errors
/// Not applicable where the provider says that there are no credentials to load; what else it says,
/// "no answer in time" included, is a failure, since a provider that is wrapped is meant to be
/// used. Its own words are left out: they may quote an answer.
#[derive(Debug, Clone)]
pub struct SdkSource {
    name: Cow<'static, str>,
    provider: SharedCredentialsProvider,
}

impl SdkSource {
    /// The provider under this name.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        provider: impl ProvideCredentials + 'static,
    ) -> Self {
        Self { name: name.into(), provider: SharedCredentialsProvider::new(provider) }
    }
}

#[async_trait]
impl CredentialSource for SdkSource {
    fn name(&self) -> &str {
        &self.name
    }

    async fn provide(&self, _context: &ProvideContext) -> Result<CredentialForm, SourceError> {
        // A provider of the SDK may log what it is answered, as the SDK does.
        let credentials = quietly(self.provider.provide_credentials());
        let credentials = credentials.await.map_err(|error| why(&error))?;
        let mut keys = Keys::new(credentials.access_key_id(), credentials.secret_access_key());
        if let Some(token) = credentials.session_token() {
            keys = keys.with_session_token(token);
        }
        if let Some(at) = credentials.expiry() {
            let at = at.try_into().map_err(|_| {
                SourceError::failed(ErrorKind::Internal, "the keys end at no instant")
            })?;
            keys = keys.with_expires_at(at);
        }
        keys.check(|part| format!("the {} of the SDK's provider", part.as_str()))?;
        Ok(CredentialForm::Keys(keys))
    }
}

fn why(error: &CredentialsError) -> SourceError {
    match error {
        CredentialsError::CredentialsNotLoaded(_) => {
            SourceError::not_applicable("the SDK's provider has no credentials to load")
        }
        CredentialsError::ProviderTimedOut(_) => {
            SourceError::failed(ErrorKind::TimedOut, "the SDK's provider did not answer in time")
        }
        CredentialsError::InvalidConfiguration(_) => SourceError::failed(
            ErrorKind::Misconfigured,
            "the configuration of the SDK's provider is invalid",
        ),
        _ => SourceError::failed(ErrorKind::Unavailable, "the SDK's provider failed"),
    }
}

/// A volume's keys as a credentials provider of the AWS SDK: for a driver that calls S3 itself on
/// behalf of a volume.
#[derive(Debug, Clone)]
pub struct VolumeCredentials(CachedKeys);

/// A volume's region as a region provider of the AWS SDK.
#[derive(Debug, Clone)]
pub struct VolumeRegion {
    provider: Provider,
    context: ProvideContext,
}

impl Provider {
    /// The volume's keys, for an SDK client: those of [`cached_keys`](Self::cached_keys). To be
    /// called within a tokio runtime.
    pub fn sdk_credentials(&self, context: &ProvideContext) -> VolumeCredentials {
        VolumeCredentials(self.cached_keys(context))
    }

    /// The volume's region, for an SDK client.
    pub fn sdk_region(&self, context: &ProvideContext) -> VolumeRegion {
        VolumeRegion { provider: self.clone(), context: context.clone() }
    }
}

impl VolumeCredentials {
    /// Returns the cache behind it, which reports how fresh the keys are: `expires_at`,
    /// `refresh_at` and `last_error`.
    ///
    /// Its `current` returns the keys without a wait while they are good.
    pub fn keys(&self) -> &CachedKeys {
        &self.0
    }
}

impl ProvideCredentials for VolumeCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let keys = self.0.get().await.map_err(|failure| match failure.kind() {
                ErrorKind::NoSource => CredentialsError::not_loaded(failure),
                ErrorKind::Misconfigured | ErrorKind::InvalidConfiguration => {
                    CredentialsError::invalid_configuration(failure)
                }
                _ => CredentialsError::provider_error(failure),
            })?;
            Ok(Credentials::new(
                keys.access_key_id.expose(),
                keys.secret_access_key.expose(),
                keys.session_token.as_ref().map(|token| token.expose().to_owned()),
                keys.expires_at.map(SystemTime::from),
                "s3-credential-provider",
            ))
        })
    }
}

impl ProvideRegion for VolumeRegion {
    fn region(&self) -> RegionFuture<'_> {
        RegionFuture::new(async {
            let answer = self.provider.region(&self.context).await;
            let name = answer.result.ok()?.region.as_str().to_owned();
            Some(aws_config::Region::new(name))
        })
    }
}

/// Any region provider of the AWS SDK as a resolver.
pub struct SdkRegion {
    name: Cow<'static, str>,
    provider: Box<dyn ProvideRegion>,
}

impl SdkRegion {
    /// The provider under this name.
    pub fn new(name: impl Into<Cow<'static, str>>, provider: impl ProvideRegion + 'static) -> Self {
        Self { name: name.into(), provider: Box::new(provider) }
    }
}

impl fmt::Debug for SdkRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SdkRegion").field("name", &self.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl RegionResolver for SdkRegion {
    fn name(&self) -> &str {
        &self.name
    }

    async fn resolve(&self, _context: &ProvideContext) -> Result<Region, RegionError> {
        match self.provider.region().await {
            Some(region) => Ok(Region::parse("the region of the SDK's provider", region.as_ref())?),
            None => Err(RegionError::not_applicable("the SDK's provider knows no region")),
        }
    }
}
