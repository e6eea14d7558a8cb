use std::time::Duration;

use object_store::ClientOptions;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::client::{HttpClient, HttpConnector, ReqwestConnector};

use super::Subject;
use crate::upstream::{ROLE, Upstream};

pub struct ObjectStore(AmazonS3);

impl Subject for ObjectStore {
    const NAME: &'static str = "object_store";
    // Due 5 minutes before their end.
    const TTL: Duration = Duration::from_secs(304);
    const DUE_BY: Duration = Duration::from_secs(6);

    fn new(upstream: &Upstream) -> Self {
        let token_file = upstream.token_file().to_str().unwrap().to_owned();
        let store = AmazonS3Builder::new()
            .with_bucket_name("bucket")
            .with_region("us-east-1")
            .with_config(AmazonS3ConfigKey::WebIdentityTokenFile, token_file)
            .with_config(AmazonS3ConfigKey::RoleArn, ROLE)
            .with_config(AmazonS3ConfigKey::StsEndpoint, upstream.url())
            .with_http_connector(PlainHttp)
            .build()
            .unwrap();
        Self(store)
    }

    async fn fetch(&self) -> Result<usize, String> {
        let keys =
            self.0.credentials().get_credential().await.map_err(|error| error.to_string())?;
        Ok(keys.key_id.len())
    }
}

/// It asks STS over https only.
#[derive(Debug)]
struct PlainHttp;

impl HttpConnector for PlainHttp {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        ReqwestConnector::default().connect(&options.clone().with_allow_http(true))
    }
}
