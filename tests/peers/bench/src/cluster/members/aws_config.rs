use std::io::Write as _;
use std::sync::Arc;

use aws_config::Region;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::{StaticConfiguration, WebIdentityTokenCredentialsProvider};
use aws_credential_types::provider::ProvideCredentials as _;
use aws_smithy_async::time::SystemTimeSource;
use tempfile::NamedTempFile;

use super::Member;
use super::ours::{client, sleep};
use crate::cluster::VOLUMES;
use crate::cluster::network::Network;
use crate::upstream::ROLE;

/// A provider for each volume, as each Mountpoint would have one.
pub(in crate::cluster) struct Node {
    volumes: Vec<WebIdentityTokenCredentialsProvider>,
    _token: NamedTempFile,
}

impl Member for Node {
    fn new(network: &Arc<Network>) -> Self {
        let token = token_file();
        let config = ProviderConfig::without_region()
            .with_region(Some(Region::from_static("us-east-1")))
            .with_http_client(client(network))
            .with_sleep_impl(sleep())
            .with_time_source(SystemTimeSource::new());
        let volume = |_| {
            WebIdentityTokenCredentialsProvider::builder()
                .configure(&config)
                .static_configuration(StaticConfiguration {
                    web_identity_token_file: token.path().to_owned(),
                    role_arn: ROLE.to_owned(),
                    session_name: "bench".to_owned(),
                })
                .build()
        };
        let volumes = (0..VOLUMES).map(volume).collect();
        Self { volumes, _token: token }
    }

    async fn publish(&self, volume: usize) -> bool {
        self.volumes[volume].provide_credentials().await.is_ok()
    }
}

pub(super) fn token_file() -> NamedTempFile {
    let mut file = NamedTempFile::new_in("/dev/shm").unwrap();
    file.write_all(b"header.payload.signature").unwrap();
    file
}
