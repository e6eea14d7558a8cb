//! Prints an object that the AWS SDK for Rust reads with the credentials and the region of a
//! volume.
//!
//! ```sh
//! AWS_ROLE_ARN=... AWS_WEB_IDENTITY_TOKEN_FILE=... AWS_REGION=eu-west-1 \
//!     cargo run --example read_with_aws_sdk -- BUCKET KEY [S3_ENDPOINT]
//! ```
//!
//! The environment is that of a driver. The facade's feature `sdk` brings both providers.

use std::error::Error;

use aws_config::BehaviorVersion;
use s3_credential_provider::{Environment, MountTarget, Provider, PublishRequest};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(bucket), Some(key)) = (arguments.next(), arguments.next()) else {
        return Err("usage: read_with_aws_sdk BUCKET KEY [S3_ENDPOINT]".into());
    };

    let environment: Environment = std::env::vars().collect();
    let provider = Provider::builder().environment(environment).build()?;
    let request = PublishRequest::new("example", "/mnt/example")
        .with_volume_context([("bucketName", bucket.as_str())]);
    // No file is written: the keys stay in memory.
    let context = provider.context(request, MountTarget::new("/mnt"))?;
    let credentials = provider.sdk_credentials(&context);

    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .credentials_provider(credentials.clone())
        .region(provider.sdk_region(&context))
        .load()
        .await;
    let mut config = aws_sdk_s3::config::Builder::from(&config);
    if let Some(endpoint) = arguments.next() {
        config = config.endpoint_url(endpoint).force_path_style(true);
    }
    let client = aws_sdk_s3::Client::from_conf(config.build());
    let object = client.get_object().bucket(bucket).key(key).send().await?;
    println!("{}", String::from_utf8_lossy(&object.body.collect().await?.to_vec()));

    if let Some(at) = credentials.keys().expires_at() {
        eprintln!("the keys expire at {at}");
    }
    Ok(())
}
