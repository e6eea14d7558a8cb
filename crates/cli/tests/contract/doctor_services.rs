//! `doctor` in a cluster: what the driver may do there, and whether its clock is right.

use jiff::SignedDuration;
use jiff::fmt::rfc2822;
use s3_credential_testkit::clock::{Clock as _, SystemClock};
use s3_credential_testkit::kubernetes::{Kubernetes, Rule};
use s3_credential_testkit::server::{Fault, Response};
use serde_json::Value;

use crate::cloud::Cloud;
use crate::doctor::{check, stands};
use crate::driver::Driver;

const READ: [&str; 2] = ["get", "watch"];

/// A driver that is this service account of the cluster.
fn in_cluster(kubernetes: &Kubernetes) -> Driver {
    let driver = Driver::new();
    let kubeconfig = driver.path("kubeconfig");
    let token = kubernetes.add_user("system:serviceaccount:kube-system:s3-csi");
    kubernetes.write_kubeconfig(&kubeconfig, &token).unwrap();
    driver.with("KUBECONFIG", kubeconfig.to_str().unwrap())
}

async fn diagnosed(driver: &Driver) -> Value {
    driver.doctor(&["--output", "json"]).await.public_object()
}

#[tokio::test]
async fn a_missing_permission_comes_as_a_role_to_be_applied() {
    let kubernetes = Kubernetes::start().await.unwrap();
    let driver = in_cluster(&kubernetes);
    let (object, failure) = driver.doctor(&["--output", "json"]).await.object_with_error();
    failure.is("misconfigured", "FAILED_PRECONDITION", 3).says("rbac get serviceaccounts");
    stands(&object, "kubernetes", "ok", "answers");
    stands(&object, "rbac get serviceaccounts", "failed", "annotation");
    stands(&object, "rbac watch serviceaccounts", "warning", "not granted");
    stands(&object, "rbac create serviceaccounts/token", "skipped", "requestTokens");
    let roles = object["roles"].as_str().unwrap();
    assert_eq!(
        roles,
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: s3-credential-provider\nrules:\n\
         - apiGroups: [\"\"]\n  resources: [\"serviceaccounts\"]\n  verbs: [\"get\",\"watch\"]\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata:\n  name: s3-credential-provider\nroleRef:\n  \
         apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: s3-credential-provider\nsubjects:\n\
         - kind: ServiceAccount\n  namespace: \"kube-system\"\n  name: \"s3-csi\"\n"
    );
    let lines = driver.doctor(&[]).await;
    assert_eq!(lines.status, 3);
    assert!(lines.stdout.ends_with(roles), "{}", lines.stdout);

    kubernetes
        .grant("system:serviceaccount:kube-system:s3-csi", Rule::new(READ, ["serviceaccounts"]));
    let object = diagnosed(&driver).await;
    stands(&object, "rbac get serviceaccounts", "ok", "granted");
    stands(&object, "rbac watch serviceaccounts", "ok", "granted");
    assert_eq!(object["roles"], Value::Null);
}

#[tokio::test]
async fn what_a_configuration_needs_is_in_the_role_and_in_its_namespace() {
    let kubernetes = Kubernetes::start().await.unwrap();
    let driver = in_cluster(&kubernetes).with("CSI_NODE_NAME", "node-1");
    kubernetes
        .grant("system:serviceaccount:kube-system:s3-csi", Rule::new(READ, ["serviceaccounts"]));
    let config = driver.file(
        "config.yaml",
        "chains: {secret: [secret-watch], region: [node-label]}\n\
         sources: {secret-watch: {namespace: keys, name: s3-keys}, pod-token: {requestTokens: 1h}}\n",
    );
    let run = driver.doctor(&["--config", &config]).await;
    assert_eq!(run.status, 3, "{}", run.stdout);
    for part in [
        "failed   rbac create serviceaccounts/token ",
        "failed   rbac get nodes ",
        "\nkind: Role\nmetadata:\n  name: s3-credential-provider\n  namespace: \"keys\"\n",
        "  resources: [\"secrets\"]\n  verbs: [\"list\",\"watch\"]\n  resourceNames: [\"s3-keys\"]\n",
        "  resources: [\"nodes\"]\n",
    ] {
        assert!(run.stdout.contains(part), "{part:?} is not in {}", run.stdout);
    }
}

#[tokio::test]
async fn an_api_server_that_does_not_know_the_driver_is_distinguished_from_one_that_is_away() {
    let kubernetes = Kubernetes::start().await.unwrap();
    let driver = Driver::new();
    let kubeconfig = driver.path("kubeconfig");
    kubernetes.write_kubeconfig(&kubeconfig, "unknown").unwrap();
    let driver = driver.with("KUBECONFIG", kubeconfig.to_str().unwrap());
    let (object, _) = driver.doctor(&["--output", "json"]).await.object_with_error();
    stands(&object, "kubernetes", "failed", "does not know the driver");
    kubernetes.stop().await;
    let (object, _) = driver.doctor(&["--output", "json"]).await.object_with_error();
    stands(&object, "kubernetes", "failed", "cannot be reached");
    assert!(check(&object, "kubernetes")["help"].as_str().unwrap().contains("KUBECONFIG"));
    stands(&object, "rbac get serviceaccounts", "skipped", "");
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_reported_with_its_error() {
    let cloud = Cloud::start().await;
    let driver = cloud.driver_with_role();
    for (offset, status, reason) in [
        (20, "ok", "within"),
        (90, "warning", "behind that of STS"),
        (-90, "warning", "ahead of that of STS"),
        (3600, "failed", "behind that of STS"),
    ] {
        cloud.sts.faults().clear_all();
        cloud.sts.faults().always(
            "AssumeRoleWithWebIdentity",
            Fault::answer(move |_| {
                let date = SystemClock.now() + SignedDuration::from_secs(offset);
                let date = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&date).unwrap();
                let refusal = "<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>";
                Response::new(400, refusal).header("date", &date)
            }),
        );
        let run = driver.doctor(&["--output", "json"]).await;
        let object: Value = serde_json::from_str(&run.stdout).unwrap();
        stands(&object, "clock", status, reason);
        assert_eq!(run.status, if status == "failed" { 3 } else { 0 });
    }
}
