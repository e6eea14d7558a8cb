use std::time::Duration;

use aws_config::Region;
use aws_config::identity::IdentityCache;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::{StaticConfiguration, WebIdentityTokenCredentialsProvider};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::{SharedTimeSource, SystemTimeSource};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::identity::{
    ResolveCachedIdentity, SharedIdentityCache, SharedIdentityResolver,
};
use aws_smithy_runtime_api::client::runtime_components::{
    RuntimeComponents, RuntimeComponentsBuilder,
};
use aws_smithy_types::config_bag::ConfigBag;

use super::Subject;
use crate::upstream::{ROLE, Upstream};

/// The identity cache with which an SDK client asks for its credentials. STS is found by
/// `AWS_ENDPOINT_URL_STS`.
pub struct AwsConfig {
    cache: SharedIdentityCache,
    resolver: SharedIdentityResolver,
    components: RuntimeComponents,
    bag: ConfigBag,
}

impl Subject for AwsConfig {
    const NAME: &'static str = "aws-config";
    // Due 5 to 10 s before their end.
    const TTL: Duration = Duration::from_secs(12);
    const DUE_BY: Duration = Duration::from_secs(8);

    fn new(upstream: &Upstream) -> Self {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let config = ProviderConfig::without_region()
            .with_region(Some(Region::from_static("us-east-1")))
            .with_http_client(http)
            .with_sleep_impl(TokioSleep::new())
            .with_time_source(SystemTimeSource::new());
        let provider = WebIdentityTokenCredentialsProvider::builder()
            .configure(&config)
            .static_configuration(StaticConfiguration {
                web_identity_token_file: upstream.token_file(),
                role_arn: ROLE.to_owned(),
                session_name: "bench".to_owned(),
            })
            .build();
        let components = RuntimeComponentsBuilder::for_tests()
            .with_time_source(Some(SharedTimeSource::new(SystemTimeSource::new())))
            .with_sleep_impl(Some(SharedAsyncSleep::new(TokioSleep::new())))
            .build()
            .unwrap();
        Self {
            cache: IdentityCache::lazy().build(),
            resolver: SharedIdentityResolver::new(SharedCredentialsProvider::new(provider)),
            components,
            bag: ConfigBag::base(),
        }
    }

    async fn fetch(&self) -> Result<usize, String> {
        let identity = self
            .cache
            .resolve_cached_identity(self.resolver.clone(), &self.components, &self.bag)
            .await
            .map_err(|error| error.to_string())?;
        let credentials = identity.data::<Credentials>().ok_or("no credentials")?;
        Ok(credentials.access_key_id().len())
    }
}
