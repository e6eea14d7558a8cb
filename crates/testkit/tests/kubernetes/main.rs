//! The Kubernetes emulator, as `kube::Client` sees it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the helpers of a test fail as tests do"
)]

mod access;
mod faults;
mod objects;
mod tokens;
mod watch;
mod wire;

use k8s_openapi::NamespaceResourceScope;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::Status;
use kube::{Api, Client, Config, Error, Resource};
use s3_credential_testkit::kubernetes::Kubernetes;

/// A client that has read the emulator's kubeconfig for this token.
async fn client(kubernetes: &Kubernetes, token: &str) -> Client {
    let kubeconfig = Kubeconfig::from_yaml(&kubernetes.kubeconfig_yaml_for(token)).unwrap();
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
    // What the server answers is what the test sees.
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

/// An emulator and its administrator's client.
async fn cluster() -> (Kubernetes, Client) {
    let kubernetes = Kubernetes::start().await.unwrap();
    let client = client(&kubernetes, kubernetes.admin_token()).await;
    (kubernetes, client)
}

/// The API of a kind in the namespace `apps`.
fn apps<K>(client: &Client) -> Api<K>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
{
    Api::namespaced(client.clone(), "apps")
}

/// The `Status` of a refused call.
fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> Status {
    match result {
        Err(Error::Api(status)) => *status,
        other => panic!("not a refusal: {other:?}"),
    }
}
