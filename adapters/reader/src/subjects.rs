//! The libraries, each with the adapter for it.

use std::sync::Arc;

use aws_sdk_s3::config::BehaviorVersion;
use aws_sdk_s3::primitives::ByteStream;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStoreExt as _};
use opendal::Operator;
use opendal::services::S3;
use reqsign_core::ProvideCredentialChain;
use s3_credential_object_store::VolumeCredentialProvider as ObjectStoreCredentials;
use s3_credential_provider::{CachedKeys, ProvideContext, Provider, VolumeCredentials};
use s3_credential_reqsign::VolumeCredentialProvider as ReqsignCredentials;
use serde_json::{Value, json};

use crate::Result;

/// Where the bucket is.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) endpoint: &'a str,
    pub(crate) bucket: &'a str,
    pub(crate) region: &'a str,
}

/// The volume whose keys the libraries use, and a client of the library that asks for keys at each
/// request.
///
/// OpenDAL and the AWS SDK cache keys themselves, by the clock of the machine, which the command
/// `ahead` does not move. So each use of them makes a new client.
pub(crate) struct Subjects<'a> {
    /// One cache for all clients of the AWS SDK, as in a driver.
    sdk_credentials: VolumeCredentials,
    keys: &'a CachedKeys,
    place: Place<'a>,
    object_store: AmazonS3,
}

impl<'a> Subjects<'a> {
    pub(crate) fn new(
        provider: &Provider,
        context: &ProvideContext,
        keys: &'a CachedKeys,
        place: Place<'a>,
    ) -> Result<Self> {
        let object_store = AmazonS3Builder::new()
            .with_endpoint(place.endpoint)
            .with_client_options(ClientOptions::new().with_allow_http(true))
            .with_bucket_name(place.bucket)
            .with_region(place.region)
            .with_credentials(Arc::new(ObjectStoreCredentials::new(keys.clone())))
            .build()?;
        let sdk_credentials = provider.sdk_credentials(context);
        Ok(Self { sdk_credentials, keys, place, object_store })
    }

    fn opendal(&self) -> Result<Operator> {
        let credentials = ReqsignCredentials::new(self.keys.clone());
        let chain = ProvideCredentialChain::new().push(credentials);
        Ok(Operator::new(
            S3::default()
                .endpoint(self.place.endpoint)
                .bucket(self.place.bucket)
                .region(self.place.region)
                .credential_provider_chain(chain),
        )?)
    }

    fn sdk(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(self.place.endpoint)
            .force_path_style(true)
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .region(aws_config::Region::new(self.place.region.to_owned()))
            .credentials_provider(self.sdk_credentials.clone())
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// Writes and reads an object through each; what it reads, or its error.
    pub(crate) async fn all(&self, content: &str) -> Value {
        json!({
            "object_store": text(self.through_object_store(content).await),
            "opendal": text(self.through_opendal(content).await),
            "aws-sdk": text(self.through_sdk(content).await),
        })
    }

    async fn through_object_store(&self, content: &str) -> Result<String> {
        let path = Path::from("adapters/object_store");
        self.object_store.put(&path, content.to_owned().into()).await?;
        let bytes = self.object_store.get(&path).await?.bytes().await?;
        Ok(String::from_utf8(bytes.to_vec())?)
    }

    async fn through_opendal(&self, content: &str) -> Result<String> {
        let path = "adapters/opendal";
        let opendal = self.opendal()?;
        opendal.write(path, content.to_owned()).await?;
        Ok(String::from_utf8(opendal.read(path).await?.to_vec())?)
    }

    async fn through_sdk(&self, content: &str) -> Result<String> {
        let (sdk, bucket, key) = (self.sdk(), self.place.bucket, "adapters/aws-sdk");
        let body = ByteStream::from(content.as_bytes().to_vec());
        sdk.put_object().bucket(bucket).key(key).body(body).send().await?;
        let object = sdk.get_object().bucket(bucket).key(key).send().await?;
        Ok(String::from_utf8(object.body.collect().await?.to_vec())?)
    }
}

fn text(result: Result<String>) -> String {
    result.unwrap_or_else(|error| {
        let mut message = format!("error: {error}");
        let mut cause = error.source();
        while let Some(error) = cause {
            message = format!("{message}: {error}");
            cause = error.source();
        }
        message
    })
}
