//! Wrong configurations that a service shows: IMDS behind too many hops, an API server that refuses
//! or is not there.

use std::os::unix::fs::PermissionsExt as _;

use s3_credential_testkit::iam::Iam;
use s3_credential_testkit::imds::Imds;
use s3_credential_testkit::kubernetes::{Kubernetes, Rule};

use crate::driver::{CANARY, Driver};
use crate::explain::explained;
use crate::requests::{ROLE, publish, with_token};

const LATER: &str = "2100-01-01T00:00:00Z";

/// Returns a driver with a kubeconfig of a user without permissions.
fn in_cluster(kubernetes: &Kubernetes) -> Driver {
    let driver = Driver::new().with("AWS_REGION", "eu-north-1");
    let kubeconfig = driver.path("kubeconfig");
    kubernetes.write_kubeconfig(&kubeconfig, &kubernetes.add_user("driver")).unwrap();
    driver.with("KUBECONFIG", kubeconfig.to_str().unwrap())
}

#[tokio::test]
async fn a_missing_annotation_comes_with_the_command_that_sets_it() {
    let kubernetes = Kubernetes::start().await.unwrap();
    kubernetes.put_namespace("apps");
    kubernetes.put_service_account("apps", "reader", &[]);
    kubernetes.grant("driver", Rule::new(["get"], ["serviceaccounts"]));
    let request = with_token(publish("pod"), CANARY, LATER);
    explained(&in_cluster(&kubernetes), &request, &[])
        .await
        .is("no-source-applies", "FAILED_PRECONDITION", 3)
        .says("apps/reader")
        .says("eks.amazonaws.com/role-arn")
        .helps("kubectl annotate serviceaccount -n apps reader eks.amazonaws.com/role-arn=");
}

#[tokio::test]
async fn a_service_account_that_is_not_there_is_not_found() {
    let kubernetes = Kubernetes::start().await.unwrap();
    kubernetes.put_namespace("apps");
    kubernetes.grant("driver", Rule::new(["get"], ["serviceaccounts"]));
    let request = with_token(publish("pod"), CANARY, LATER);
    explained(&in_cluster(&kubernetes), &request, &[])
        .await
        .is("not-found", "NOT_FOUND", 3)
        .says("apps/reader");
}

#[tokio::test]
async fn a_denial_by_rbac_names_the_verb_and_the_resource() {
    let kubernetes = Kubernetes::start().await.unwrap();
    kubernetes.put_namespace("apps");
    kubernetes.put_service_account("apps", "reader", &[("eks.amazonaws.com/role-arn", ROLE)]);
    let request = with_token(publish("pod"), CANARY, LATER);
    explained(&in_cluster(&kubernetes), &request, &[])
        .await
        .is("permission-denied", "PERMISSION_DENIED", 4)
        .says("apps/reader")
        .helps("`get`")
        .helps("`serviceaccounts`");
}

#[tokio::test]
async fn an_api_server_that_is_down_is_worth_another_try() {
    let kubernetes = Kubernetes::start().await.unwrap();
    let driver = in_cluster(&kubernetes);
    kubernetes.stop().await;
    let request = with_token(publish("pod"), CANARY, LATER);
    explained(&driver, &request, &[])
        .await
        .is("unavailable", "UNAVAILABLE", 5)
        .says("apps/reader")
        .helps("KUBECONFIG");
}

#[tokio::test]
async fn imds_behind_too_many_hops_is_distinguished_from_a_node_without_it() {
    let imds = Imds::start(Iam::default()).await.unwrap();
    imds.set_hop_limit_reached(true);
    let driver = Driver::new()
        .without("AWS_EC2_METADATA_DISABLED")
        .with("AWS_EC2_METADATA_SERVICE_ENDPOINT", &imds.url());
    // On a busy machine a second may pass although every service answers.
    let patient = driver.file("config.yaml", "services: {imds: {timeout: 3s}}");
    let patient = ["--config", &patient];
    // As the source of last resort, and as the resolver of last resort.
    explained(&driver, &publish("driver"), &patient)
        .await
        .is("unavailable", "UNAVAILABLE", 5)
        .says("imds: ")
        .helps("hop limit");
    let request = with_token(publish("pod"), CANARY, LATER);
    explained(&driver, &request, &[&patient[..], &["--role-arn", ROLE]].concat())
        .await
        .is("unavailable", "UNAVAILABLE", 5)
        .says("no AWS region is known")
        .helps("hop limit");
}

#[tokio::test]
async fn a_token_file_that_may_not_be_read_is_named() {
    let driver = Driver::new().with("AWS_REGION", "eu-north-1").with("AWS_ROLE_ARN", ROLE);
    // A directory is what even root cannot read as a file.
    let path = driver.path("token");
    std::fs::create_dir(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    let driver = driver.with("AWS_WEB_IDENTITY_TOKEN_FILE", path.to_str().unwrap());
    let failure = explained(&driver, &publish("driver"), &[]).await;
    failure.says("AWS_WEB_IDENTITY_TOKEN_FILE").helps("AWS_WEB_IDENTITY_TOKEN_FILE");
    assert_eq!((failure.text("code"), failure.status), ("FAILED_PRECONDITION", 3));
}
