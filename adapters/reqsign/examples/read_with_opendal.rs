//! Prints an object that OpenDAL reads with the credentials of a volume.
//!
//! ```sh
//! AWS_ROLE_ARN=... AWS_WEB_IDENTITY_TOKEN_FILE=... AWS_REGION=eu-west-1 \
//!     cargo run --example read_with_opendal -- BUCKET KEY [S3_ENDPOINT]
//! ```
//!
//! The environment is that of a driver: the driver level of the default chains gives the
//! credentials.

use std::error::Error;

use opendal::Operator;
use opendal::services::S3;
use reqsign_core::ProvideCredentialChain;
use s3_credential_provider::{Environment, MountTarget, Provider, PublishRequest};
use s3_credential_reqsign::VolumeCredentialProvider;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(bucket), Some(key)) = (arguments.next(), arguments.next()) else {
        return Err("usage: read_with_opendal BUCKET KEY [S3_ENDPOINT]".into());
    };

    let environment: Environment = std::env::vars().collect();
    let provider = Provider::builder().environment(environment).build()?;
    let request = PublishRequest::new("example", "/mnt/example")
        .with_volume_context([("bucketName", bucket.as_str())]);
    // No file is written: the keys stay in memory.
    let context = provider.context(request, MountTarget::new("/mnt"))?;
    let credentials = VolumeCredentialProvider::new(provider.cached_keys(&context));

    // The only provider of the chain: OpenDAL looks at no other variable, file or service.
    let chain = ProvideCredentialChain::new().push(credentials.clone());
    let mut service = S3::default().bucket(&bucket).credential_provider_chain(chain);
    if let Some(region) = provider.region(&context).await.result.ok() {
        service = service.region(region.region.as_str());
    }
    if let Some(endpoint) = arguments.next() {
        service = service.endpoint(&endpoint);
    }
    let object = Operator::new(service)?.read(&key).await?;
    println!("{}", String::from_utf8_lossy(&object.to_vec()));

    if let Some(at) = credentials.keys().expires_at() {
        eprintln!("the keys expire at {at}");
    }
    Ok(())
}
