//! A program that links two TLS providers, as one with OpenDAL does, and has chosen none.
#![allow(clippy::unwrap_used, reason = "test code: what should not happen stops the test")]

use std::time::Duration;

use jiff::Timestamp;
use s3_credential_provider::{Environment, MountTarget, Provider, PublishRequest, TOKENS_KEY};
use s3_credential_testkit::kubernetes::Kubernetes;

const READER: &str = "arn:aws:iam::111122223333:role/reader";

#[tokio::test]
async fn the_kubernetes_client_of_the_facade_works_beside_another_tls_provider() {
    // Linking OpenDAL is what brings the second provider.
    let _ = opendal::services::S3::default();
    let scratch = s3_credential_testkit::scratch::Scratch::new_in("/tmp", "two-tls").unwrap();
    let kubernetes = Kubernetes::start().await.unwrap();
    kubernetes.put_namespace("tenant");
    kubernetes.put_service_account("tenant", "reader", &[("eks.amazonaws.com/role-arn", READER)]);
    let kubeconfig = scratch.path().join("kubeconfig");
    kubernetes.write_kubeconfig(&kubeconfig, kubernetes.admin_token()).unwrap();
    let environment = Environment::default()
        .with("KUBECONFIG", kubeconfig.to_str().unwrap())
        .with("AWS_REGION", "eu-north-1");
    let provider = Provider::builder()
        .environment(environment)
        .state_path(scratch.path().join("state"))
        .build()
        .unwrap();

    let at = Timestamp::now() + Duration::from_secs(3600);
    let tokens =
        format!(r#"{{"sts.amazonaws.com":{{"token":"opaque","expirationTimestamp":"{at}"}}}}"#);
    let request =
        PublishRequest::new("v", "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount")
            .with_volume_context([
                ("authenticationSource", "pod"),
                ("csi.storage.k8s.io/pod.namespace", "tenant"),
                ("csi.storage.k8s.io/serviceAccount.name", "reader"),
                (TOKENS_KEY, tokens.as_str()),
            ]);
    let target = MountTarget::new(scratch.directory("write").unwrap());
    let context = provider.context(request, target).unwrap();
    let provided = provider.provide(&context).await.unwrap();
    assert_eq!(provided.environment["AWS_ROLE_ARN"].expose(), READER);
}
