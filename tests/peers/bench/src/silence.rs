//! A node whose only source is an IMDS that takes connections and never answers.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_credential_types::provider::ProvideCredentials;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use reqsign::aws::IMDSv2CredentialProvider;
use reqsign::ProvideCredential;
use s3_credential_provider::{
    AuthenticationLevel, Environment, MountTarget, Provider, PublishRequest,
};

use crate::subjects::{AwsConfig, ObjectStore, Ours, Reqsign, Subject};
use crate::table::{Row, time};

const CAP: Duration = Duration::from_secs(10);

pub fn run() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let row = Row::new("cold chain with only an IMDS that never answers: until the error", "1 s, at most");
    runtime.block_on(async {
        let (ours, shown) = within_cap(ours(&url)).await;
        row.met(ours <= 1.05)
            .cell(Ours::NAME, shown)
            .cell(AwsConfig::NAME, within_cap(aws_config(&url)).await.1)
            .cell(Reqsign::NAME, within_cap(reqsign(&url)).await.1)
            .cell(ObjectStore::NAME, within_cap(object_store(&url)).await.1)
            .print();
    });
}

async fn within_cap(work: impl Future<Output = ()>) -> (f64, String) {
    let start = Instant::now();
    let ended = tokio::time::timeout(CAP, work).await.is_ok();
    let took = start.elapsed().as_secs_f64();
    (took, if ended { time(took) } else { format!("> {} s", CAP.as_secs()) })
}

/// All of it: the default chain of the driver level, and the default region resolvers.
async fn ours(url: &str) {
    let folder = tempfile::tempdir().unwrap();
    let environment = Environment::default().with("AWS_EC2_METADATA_SERVICE_ENDPOINT", url);
    let provider = Provider::builder()
        .environment(environment)
        .state_path(folder.path().join("state"))
        .build()
        .unwrap();
    let request = PublishRequest::new("volume", "/var/lib/kubelet/pods/pod/volumes/x/pv/mount");
    let context = provider.context(request, MountTarget::new(folder.path())).unwrap();
    assert_eq!(context.level(), AuthenticationLevel::Driver);
    provider.provide(&context).await.unwrap_err();
}

async fn aws_config(url: &str) {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let config = aws_config::provider_config::ProviderConfig::without_region()
        .with_http_client(http)
        .with_sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
        .with_time_source(aws_smithy_async::time::SystemTimeSource::new());
    let client = aws_config::imds::Client::builder().configure(&config).endpoint(url).unwrap().build();
    let provider = aws_config::imds::credentials::ImdsCredentialsProvider::builder()
        .configure(&config)
        .imds_client(client)
        .build();
    provider.provide_credentials().await.unwrap_err();
}

async fn reqsign(url: &str) {
    let provider = IMDSv2CredentialProvider::new().with_endpoint(url);
    provider.provide_credential(&reqsign::default_context()).await.unwrap_err();
}

async fn object_store(url: &str) {
    let store = AmazonS3Builder::new()
        .with_bucket_name("bucket")
        .with_region("us-east-1")
        .with_config(AmazonS3ConfigKey::MetadataEndpoint, url)
        .build()
        .unwrap();
    let credentials = Arc::clone(store.credentials());
    credentials.get_credential().await.unwrap_err();
}
