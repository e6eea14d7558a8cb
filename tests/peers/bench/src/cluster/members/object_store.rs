use std::sync::Arc;

use async_trait::async_trait;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService,
};
use object_store::ClientOptions;
use tempfile::NamedTempFile;

use super::Member;
use super::aws_config::token_file;
use crate::cluster::VOLUMES;
use crate::cluster::network::Network;
use crate::upstream::ROLE;

/// A store for each volume, as each has its own credentials.
pub(in crate::cluster) struct Node {
    volumes: Vec<AmazonS3>,
    _token: NamedTempFile,
}

impl Member for Node {
    fn new(network: &Arc<Network>) -> Self {
        let token = token_file();
        let path = token.path().to_str().unwrap().to_owned();
        let volume = |_| {
            AmazonS3Builder::new()
                .with_bucket_name("bucket")
                .with_region("us-east-1")
                .with_config(AmazonS3ConfigKey::WebIdentityTokenFile, &path)
                .with_config(AmazonS3ConfigKey::RoleArn, ROLE)
                .with_config(AmazonS3ConfigKey::StsEndpoint, "http://sts")
                .with_http_connector(Wire(Arc::clone(network)))
                .build()
                .unwrap()
        };
        let volumes = (0..VOLUMES).map(volume).collect();
        Self { volumes, _token: token }
    }

    async fn publish(&self, volume: usize) -> bool {
        self.volumes[volume].credentials().get_credential().await.is_ok()
    }
}

#[derive(Debug)]
struct Wire(Arc<Network>);

impl HttpConnector for Wire {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Self(Arc::clone(&self.0))))
    }
}

#[async_trait]
impl HttpService for Wire {
    async fn call(&self, _: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = self.0.ask().await;
        Ok(http::Response::builder().status(answer.status).body(answer.body.into()).unwrap())
    }
}
