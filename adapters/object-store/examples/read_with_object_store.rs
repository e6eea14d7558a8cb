//! Prints an object that `object_store` reads with the credentials of a volume.
//!
//! ```sh
//! AWS_ROLE_ARN=... AWS_WEB_IDENTITY_TOKEN_FILE=... AWS_REGION=eu-west-1 \
//!     cargo run --example read_with_object_store -- BUCKET KEY [S3_ENDPOINT]
//! ```
//!
//! The environment is that of a driver: the driver level of the default chains gives the
//! credentials.

use std::error::Error;
use std::sync::Arc;

use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStoreExt as _};
use s3_credential_object_store::VolumeCredentialProvider;
use s3_credential_provider::{Environment, MountTarget, Provider, PublishRequest};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(bucket), Some(key)) = (arguments.next(), arguments.next()) else {
        return Err("usage: read_with_object_store BUCKET KEY [S3_ENDPOINT]".into());
    };

    let environment: Environment = std::env::vars().collect();
    let provider = Provider::builder().environment(environment).build()?;
    let request = PublishRequest::new("example", "/mnt/example")
        .with_volume_context([("bucketName", bucket.as_str())]);
    // No file is written: the keys stay in memory.
    let context = provider.context(request, MountTarget::new("/mnt"))?;
    let credentials = Arc::new(VolumeCredentialProvider::new(provider.cached_keys(&context)));

    let mut store = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_credentials(Arc::clone(&credentials) as _);
    if let Some(region) = provider.region(&context).await.result.ok() {
        store = store.with_region(region.region.as_str());
    }
    if let Some(endpoint) = arguments.next() {
        store = store
            .with_endpoint(endpoint)
            .with_client_options(ClientOptions::new().with_allow_http(true));
    }
    let object = store.build()?.get(&Path::from(key)).await?;
    println!("{}", String::from_utf8_lossy(&object.bytes().await?));

    if let Some(at) = credentials.keys().expires_at() {
        eprintln!("the keys expire at {at}");
    }
    Ok(())
}
