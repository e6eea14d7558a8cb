//! Asks the default chain, and a cluster for a Secret.

use aws_credential_types::provider::ProvideCredentials as _;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let config = aws_config::from_env().http_client(http).load().await;
        let credentials = config.credentials_provider().unwrap().provide_credentials().await;
        let Ok(client) = Client::try_default().await else { return println!("no cluster") };
        let secret = Api::<Secret>::default_namespaced(client).get("secret").await;
        println!("{} {}", credentials.is_ok(), secret.is_ok());
    });
}
