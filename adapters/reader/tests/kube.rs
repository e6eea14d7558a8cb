//! The example with `kube`, against emulators of the Kubernetes API and of S3.
#![allow(clippy::unwrap_used, reason = "test code: what should not happen stops the test")]

#[allow(dead_code, reason = "the example's own `main` is not called")]
#[path = "../examples/read_with_kube.rs"]
mod example;

use kube::config::{KubeConfigOptions, Kubeconfig};
use s3_credential_secret::{SecretNamespace, SecretWatchSettings};
use s3_credential_testkit::iam::Iam;
use s3_credential_testkit::kubernetes::Kubernetes;
use s3_credential_testkit::s3::S3;

const OWNER: &str = "arn:aws:iam::111122223333:user/owner";

#[tokio::test]
async fn a_secret_that_a_kube_client_watches_reads_a_bucket_before_and_after_its_rotation() {
    let iam = Iam::default();
    iam.add_policy(
        OWNER,
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#,
    )
    .unwrap();
    let s3 = S3::start(iam.clone()).await.unwrap();
    s3.put("photos", "cat", "meow");
    let kubernetes = Kubernetes::start().await.unwrap();
    kubernetes.put_namespace("driver");
    let rotate = || {
        let keys = iam.add_user(OWNER);
        let secret = keys.secret_access_key.expose();
        let data = [("key_id", keys.access_key_id.as_str()), ("access_key", secret)];
        kubernetes.put_secret("driver", "keys", &data);
        keys.access_key_id
    };
    let first = rotate();

    let _ = rustls::crypto::ring::default_provider().install_default();
    let kubeconfig = Kubeconfig::from_yaml(&kubernetes.kubeconfig_yaml()).unwrap();
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
    let client = kube::Client::try_from(config).unwrap();
    let settings = SecretWatchSettings::new(SecretNamespace::Fixed("driver".to_owned()), "keys");
    let environment = [("AWS_REGION", "eu-west-1")].into_iter().collect();
    let provider = example::provider(client, settings, environment).unwrap();
    let endpoint = s3.url();
    let read = || example::read(&provider, "photos", "cat", Some(endpoint.as_str()));

    assert_eq!(read().await.unwrap(), "meow");
    iam.revoke(&first);
    rotate();
    let changed = async {
        // The watch brings the new Secret; until then the service refuses the revoked keys.
        while read().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), changed).await.unwrap();
}
