//! Prints an object that `object_store` reads with the keys of a Secret, which a `kube` client of
//! the driver watches.
//!
//! ```sh
//! KUBECONFIG=... AWS_REGION=eu-west-1 \
//!     cargo run --example read_with_kube -- NAMESPACE SECRET BUCKET KEY [S3_ENDPOINT]
//! ```
//!
//! A driver that has a client of its own gives it to the sources that need one. The other ones, and
//! the roles that the client needs, are in the documentation of `s3-credential-secret` and
//! `s3-credential-pod-token`.

use std::error::Error;
use std::sync::Arc;

use kube::Client;
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStoreExt as _};
use s3_credential_object_store::VolumeCredentialProvider;
use s3_credential_provider::{Environment, MountTarget, Provider, PublishRequest, SourceChain};
use s3_credential_secret::{SecretNamespace, SecretWatchSettings, SecretWatchSource};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [namespace, secret, bucket, key, endpoint @ ..] = arguments.as_slice() else {
        return Err("usage: read_with_kube NAMESPACE SECRET BUCKET KEY [S3_ENDPOINT]".into());
    };
    // kube takes the TLS provider of the process, which a program with two of them has to choose.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::try_default().await?;
    let settings = SecretWatchSettings::new(SecretNamespace::Fixed(namespace.clone()), secret);
    let environment: Environment = std::env::vars().collect();
    let provider = provider(client, settings, environment)?;
    let content = read(&provider, bucket, key, endpoint.first().map(String::as_str)).await?;
    println!("{content}");
    Ok(())
}

/// A provider whose driver level is one source: the Secret, watched through this client.
pub fn provider(
    client: Client,
    settings: SecretWatchSettings,
    environment: Environment,
) -> Result<Provider, Box<dyn Error>> {
    let source = SecretWatchSource::new(client, settings)?;
    let chain = SourceChain::first_try(source);
    Ok(Provider::builder().environment(environment).driver_chain(chain).build()?)
}

/// Reads an object with the keys that the Secret has at this moment.
pub async fn read(
    provider: &Provider,
    bucket: &str,
    key: &str,
    endpoint: Option<&str>,
) -> Result<String, Box<dyn Error>> {
    let request = PublishRequest::new("example", "/mnt/example")
        .with_volume_context([("bucketName", bucket)]);
    // No file is written: the keys stay in memory.
    let context = provider.context(request, MountTarget::new("/mnt"))?;
    let keys = provider.cached_keys(&context);
    let region = provider.region(&context).await.result?;
    let mut store = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region.region.as_str())
        .with_credentials(Arc::new(VolumeCredentialProvider::new(keys)));
    if let Some(endpoint) = endpoint {
        store = store
            .with_endpoint(endpoint)
            .with_client_options(ClientOptions::new().with_allow_http(true));
    }
    let object = store.build()?.get(&Path::from(key)).await?;
    Ok(String::from_utf8(object.bytes().await?.to_vec())?)
}
