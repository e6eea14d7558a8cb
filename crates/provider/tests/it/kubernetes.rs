//! The client of the Kubernetes API that the driver's environment describes, and how much is asked
//! through it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::items_after_statements,
    reason = "test code: what should not happen stops the test"
)]

use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;
use s3_credential_core::{Clock as _, Environment, SystemClock, TOKENS_KEY, names};
use s3_credential_provider::{
    ErrorKind, MountTarget, ProvideError, Provided, Provider, PublishRequest,
};
use s3_credential_testkit::kubernetes::Kubernetes;
use tokio::task::yield_now;
use tokio::time::{advance, pause, resume, timeout};

const READER: &str = "arn:aws:iam::111122223333:role/reader";
const WRITER: &str = "arn:aws:iam::111122223333:role/writer";

fn annotate(kubernetes: &Kubernetes, role: &str) {
    kubernetes.put_service_account("tenant", "reader", &[("eks.amazonaws.com/role-arn", role)]);
}

async fn publish(provider: &Provider, write_path: &Path) -> Provided {
    try_publish(provider, write_path).await.unwrap()
}

async fn try_publish(provider: &Provider, write_path: &Path) -> Result<Provided, ProvideError> {
    let at = SystemClock.now() + SignedDuration::from_hours(1);
    let tokens =
        format!(r#"{{"sts.amazonaws.com":{{"token":"opaque","expirationTimestamp":"{at}"}}}}"#);
    let request =
        PublishRequest::new("v", "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount")
            .with_volume_context([
                ("authenticationSource", "pod"),
                ("csi.storage.k8s.io/pod.namespace", "tenant"),
                ("csi.storage.k8s.io/serviceAccount.name", "reader"),
                (TOKENS_KEY, &tokens),
            ]);
    let context = provider.context(request, MountTarget::new(write_path)).unwrap();
    provider.provide(&context).await
}

/// A kubeconfig, or the service account of a pod, may come after the driver has started.
#[tokio::test]
async fn a_client_that_cannot_be_made_at_the_start_is_made_later() {
    let scratch = tempfile::tempdir().unwrap();
    let write_path = scratch.path().join("write");
    std::fs::create_dir(&write_path).unwrap();
    let kubernetes = Kubernetes::start().await.unwrap();
    kubernetes.put_namespace("tenant");
    annotate(&kubernetes, READER);
    let kubeconfig = scratch.path().join("kubeconfig");
    let environment = Environment::default()
        .with(names::KUBECONFIG, kubeconfig.to_str().unwrap())
        .with(names::AWS_REGION, "eu-north-1");
    let state = scratch.path().join("state");
    let provider = Provider::builder().environment(environment).state_path(state).build().unwrap();
    let error = try_publish(&provider, &write_path).await.unwrap_err();
    assert_eq!(error.failure.kind(), ErrorKind::Misconfigured);
    assert!(error.failure.message().contains("KUBECONFIG"), "{error}");

    kubernetes.write_kubeconfig(&kubeconfig, kubernetes.admin_token()).unwrap();
    for _ in 0..2 {
        publish(&provider, &write_path).await;
    }
    kubernetes.called("watch serviceaccounts", 1).await;
}

/// The API server sends a bookmark about every minute, and no event in between.
#[tokio::test]
async fn a_watch_outlives_the_silence_between_two_bookmarks() {
    let scratch = tempfile::tempdir().unwrap();
    let write_path = scratch.path().join("write");
    std::fs::create_dir(&write_path).unwrap();
    let kubernetes = Kubernetes::start().await.unwrap();
    kubernetes.put_namespace("tenant");
    annotate(&kubernetes, READER);
    let kubeconfig = scratch.path().join("kubeconfig");
    kubernetes.write_kubeconfig(&kubeconfig, kubernetes.admin_token()).unwrap();
    let environment = Environment::default()
        .with(names::KUBECONFIG, kubeconfig.to_str().unwrap())
        .with(names::AWS_REGION, "eu-north-1");
    let state = scratch.path().join("state");
    let provider = Provider::builder().environment(environment).state_path(state).build().unwrap();

    // An account is watched once one of its pods is served again.
    let mut provided = publish(&provider, &write_path).await;
    publish(&provider, &write_path).await;
    kubernetes.called("watch serviceaccounts", 1).await;
    pause();
    // Second by second, so that every timer sees each second pass.
    for _ in 0..75 {
        advance(Duration::from_secs(1)).await;
    }
    resume();
    annotate(&kubernetes, WRITER);
    let changed = async {
        while !provided.identity_changed {
            yield_now().await;
            provided = publish(&provider, &write_path).await;
        }
    };
    timeout(Duration::from_secs(20), changed).await.expect("the watch reports the change");
    assert_eq!(kubernetes.calls().of("get serviceaccounts"), 1, "no republish costs a read");
    assert_eq!(kubernetes.calls().of("watch serviceaccounts"), 1);
}
