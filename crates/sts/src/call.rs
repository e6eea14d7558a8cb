//! One call of STS through its SDK.

use std::sync::Arc;
use std::time::SystemTime;

use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::timeout::TimeoutConfig;
use aws_sdk_sts::config::{
    BehaviorVersion, Builder, Config, Credentials, IdentityCache, Region,
    StalledStreamProtectionConfig,
};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::types::{PolicyDescriptorType, Tag};
use aws_sdk_sts::{Client, types};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use jiff::Timestamp;
use s3_credential_core::{Clock, Keys, Token, quietly};

use crate::ask::Ask;
use crate::endpoint::Endpoint;
use crate::refusal::{Asked, Refusal};

/// Makes an SDK configuration from explicit values only. Attempts and their time are counted by
/// this crate.
pub(crate) fn config(
    http: SharedHttpClient,
    clock: Arc<dyn Clock>,
    endpoint: &Endpoint,
) -> Builder {
    Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .time_source(ClockTime(clock))
        .sleep_impl(TokioSleep::new())
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .identity_cache(IdentityCache::no_cache())
        .endpoint_url(&endpoint.url)
        .region(Region::new(endpoint.signing_region.clone()))
}

/// `AssumeRoleWithWebIdentity`: not signed.
pub(crate) async fn with_token(
    config: Builder,
    ask: &Ask,
    token: &Token,
    asked: Asked<'_>,
) -> Result<Keys, Refusal> {
    let output = quietly(async {
        Client::from_conf(config.build())
            .assume_role_with_web_identity()
            .role_arn(ask.role_arn.as_str())
            .role_session_name(&ask.session_name)
            .web_identity_token(token.secret().expose())
            .set_duration_seconds(ask.seconds)
            .set_policy(ask.policy.clone())
            .set_policy_arns(policy_arns(ask))
            .send()
            .await
    })
    .await;
    keys(output.map(|output| output.credentials), asked)
}

/// `AssumeRole`, signed with these keys.
pub(crate) async fn with_keys(
    config: Builder,
    ask: &Ask,
    keys_of_first: &Keys,
    asked: Asked<'_>,
) -> Result<Keys, Refusal> {
    let credentials = Credentials::new(
        keys_of_first.access_key_id.expose(),
        keys_of_first.secret_access_key.expose(),
        keys_of_first.session_token.as_ref().map(|token| token.expose().to_owned()),
        None,
        "s3-credential-sts",
    );
    let tags = ask
        .tags
        .iter()
        .filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok());
    let output = quietly(async {
        Client::from_conf(config.credentials_provider(credentials).build())
            .assume_role()
            .role_arn(ask.role_arn.as_str())
            .role_session_name(&ask.session_name)
            .set_duration_seconds(ask.seconds)
            .set_policy(ask.policy.clone())
            .set_policy_arns(policy_arns(ask))
            .set_external_id(ask.external_id.clone())
            .set_tags((!ask.tags.is_empty()).then(|| tags.collect()))
            .send()
            .await
    })
    .await;
    keys(output.map(|output| output.credentials), asked)
}

fn policy_arns(ask: &Ask) -> Option<Vec<PolicyDescriptorType>> {
    let descriptor = |arn| PolicyDescriptorType::builder().arn(arn).build();
    (!ask.policy_arns.is_empty()).then(|| ask.policy_arns.iter().map(descriptor).collect())
}

fn keys<E: ProvideErrorMetadata>(
    result: Result<Option<types::Credentials>, SdkError<E, HttpResponse>>,
    asked: Asked<'_>,
) -> Result<Keys, Refusal> {
    let credentials =
        result.map_err(|error| asked.refusal(&error))?.ok_or_else(|| asked.unreadable())?;
    let expiration = credentials.expiration;
    let expires_at = Timestamp::from_second(expiration.secs()).map_err(|_| asked.unreadable())?;
    // The strings are moved, so that what was allocated for them is zeroised with the keys.
    let keys = Keys::new(credentials.access_key_id, credentials.secret_access_key)
        .with_session_token(credentials.session_token)
        .with_expires_at(expires_at);
    keys.check(|_| String::new()).map_err(|_| asked.unreadable())?;
    Ok(keys)
}

/// Our clock, as the SDK wants it for signatures.
#[derive(Debug)]
struct ClockTime(Arc<dyn Clock>);

impl TimeSource for ClockTime {
    fn now(&self) -> SystemTime {
        self.0.now().into()
    }
}
