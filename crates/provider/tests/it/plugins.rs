//! The region from the node's label.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::items_after_statements,
    reason = "test code: what should not happen stops the test"
)]

use std::sync::Arc;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use s3_credential_core::{
    ErrorKind, MountTarget, Outcome, RegionChain, RegionResolver as _, SourceError, SystemClock,
};
use s3_credential_provider::{NodeLabelRegion, ProvideContext, PublishRequest};
use s3_credential_testkit::clock::ManualClock;
use s3_credential_testkit::kubernetes::{Kubernetes, Rule};
use s3_credential_testkit::server::Fault;

fn context() -> ProvideContext {
    let request =
        PublishRequest::new("v", "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount");
    ProvideContext::from_publish_request(request, MountTarget::default()).unwrap()
}

async fn client(kubernetes: &Kubernetes, token: &str) -> kube::Client {
    let kubeconfig = Kubeconfig::from_yaml(&kubernetes.kubeconfig_yaml_for(token)).unwrap();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .unwrap();
    kube::Client::try_from(config).unwrap()
}

#[tokio::test]
async fn the_nodes_label_names_the_region_and_is_asked_for_once() {
    let kubernetes = Kubernetes::start().await.unwrap();
    kubernetes.put_node("here", &[("topology.kubernetes.io/region", "ap-southeast-2")]);
    let driver = kubernetes.add_user("driver");
    let resolver =
        NodeLabelRegion::new(client(&kubernetes, &driver).await, "here", Arc::new(SystemClock));

    let chain = |resolver| RegionChain::first_try(resolver);
    let resolver = Arc::new(resolver);
    let answer = chain(Arc::clone(&resolver)).resolve(&SystemClock, &context()).await;
    let failure = answer.result.unwrap_err();
    assert_eq!(
        (failure.kind(), answer.attempts[0].outcome),
        (ErrorKind::PermissionDenied, Outcome::Failed)
    );
    assert!(failure.help().contains("`get` on `nodes`"));

    kubernetes.grant("driver", Rule::new(["get"], ["nodes"]));
    for _ in 0..3 {
        assert_eq!(resolver.resolve(&context()).await.unwrap().as_str(), "ap-southeast-2");
    }
    assert_eq!(kubernetes.calls().of("get nodes"), 2, "a refusal is not remembered, a region is");
}

#[tokio::test]
async fn a_node_without_the_label_lets_the_chain_go_on_and_is_asked_again_after_a_minute() {
    let kubernetes = Kubernetes::start().await.unwrap();
    kubernetes.put_node("here", &[]);
    let clock = ManualClock::new("2026-11-23T20:00:00Z".parse().unwrap());
    let admin = client(&kubernetes, kubernetes.admin_token()).await;
    let resolver = NodeLabelRegion::new(admin, "here", Arc::new(clock.clone()));
    for _ in 0..3 {
        assert!(resolver.resolve(&context()).await.unwrap_err().is_not_applicable());
    }
    assert_eq!(kubernetes.calls().of("get nodes"), 1);

    kubernetes.put_node("here", &[("topology.kubernetes.io/region", "eu-west-1")]);
    clock.advance(Duration::from_mins(1));
    assert_eq!(resolver.resolve(&context()).await.unwrap().as_str(), "eu-west-1");
}

#[tokio::test]
async fn callers_of_one_moment_share_one_look_up_of_the_node_and_its_failure() {
    let kubernetes = Kubernetes::start().await.unwrap();
    kubernetes.faults().always("get nodes", Fault::hang());
    let admin = client(&kubernetes, kubernetes.admin_token()).await;
    let resolver = Arc::new(NodeLabelRegion::new(admin, "here", Arc::new(SystemClock)));
    let began = tokio::time::Instant::now();
    let callers = (0..1000).map(|_| {
        let resolver = Arc::clone(&resolver);
        async move { resolver.resolve(&context()).await.unwrap_err() }
    });
    for error in futures::future::join_all(callers).await {
        let SourceError::Failed(failure) = error else { panic!("{error:?}") };
        assert!(failure.is_retryable(), "{failure}");
    }
    assert_eq!(kubernetes.calls().of("get nodes"), 1);
    // Two seconds each, one after the other, would be half an hour.
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn a_label_that_is_no_region_is_refused_by_name_and_an_empty_one_is_none() {
    let kubernetes = Kubernetes::start().await.unwrap();
    let admin = client(&kubernetes, kubernetes.admin_token()).await;
    kubernetes.put_node("zone", &[("topology.kubernetes.io/region", "eu-west-1a")]);
    kubernetes.put_node("empty", &[("topology.kubernetes.io/region", "")]);
    let resolver = |node: &str| NodeLabelRegion::new(admin.clone(), node, Arc::new(SystemClock));
    let error = resolver("zone").resolve(&context()).await.unwrap_err();
    let SourceError::Failed(failure) = error else { panic!("{error:?}") };
    assert_eq!(failure.kind(), ErrorKind::InvalidRegion);
    assert!(failure.message().contains("topology.kubernetes.io/region"), "{failure}");
    let error = resolver("empty").resolve(&context()).await.unwrap_err();
    assert!(error.is_not_applicable(), "{error}");
}
