//! Wrong configurations that are found without a service: what is missing, which setting to change,
//! and no file left behind.

use serde_json::{Value, json};

use crate::driver::{CANARY, Driver};
use crate::requests::{ROLE, publish, publish_with_keys, with_token, with_tokens};
use crate::run::Failure;

const LATER: &str = "2100-01-01T00:00:00Z";

/// Explains a request that cannot be provided for, in lines and as an object, and then provides for
/// it.
///
/// `provide` fails with the same object and status, each run says so in one line, and no file is
/// written.
pub(crate) async fn explained(driver: &Driver, request: &Value, more: &[&str]) -> Failure {
    let mut json = vec!["--output", "json"];
    json.extend(more);
    let had_state = driver.path("state").exists();
    let failure = driver.explain(request, &json).await.error();
    assert_eq!(driver.entries("state"), [""; 0], "explain keeps no state");
    assert_eq!(driver.path("state").exists(), had_state);

    let lines = driver.explain(request, more).await;
    lines.reports(&failure);
    lines.keeps(CANARY);
    assert!(lines.stdout.contains(failure.text("help")), "{}", lines.stdout);

    let provided = driver.provide(request, more).await.error();
    assert_eq!(provided.timeless(), failure.timeless());
    assert_eq!(provided.status, failure.status);
    assert_eq!(driver.entries("write"), [""; 0], "a failed provide leaves no file");
    assert_eq!(driver.entries("state"), [""; 0], "a failed provide leaves no file");
    failure
}

/// A driver that knows its region.
fn driver() -> Driver {
    Driver::new().with("AWS_REGION", "eu-north-1")
}

#[tokio::test]
async fn missing_pod_info_is_the_csi_drivers_setting() {
    let mut request = with_token(publish("pod"), CANARY, LATER);
    request["targetPath"] = json!("/mnt/photos");
    request["volumeContext"] = json!({"authenticationSource": "pod"});
    explained(&driver(), &request, &[])
        .await
        .is("missing-pod-info", "INVALID_ARGUMENT", 2)
        .says("pod's uid")
        .helps("podInfoOnMount");
}

#[tokio::test]
async fn missing_tokens_are_the_csi_drivers_setting() {
    explained(&driver(), &publish("pod"), &[])
        .await
        .is("missing-token", "INVALID_ARGUMENT", 2)
        .says("no service-account tokens")
        .helps("tokenRequests");
}

#[tokio::test]
async fn a_missing_audience_is_named() {
    let tokens = json!({"pods.eks.amazonaws.com": {"token": CANARY, "expirationTimestamp": LATER}});
    explained(&driver(), &with_tokens(publish("pod"), &tokens), &["--role-arn", ROLE])
        .await
        .is("missing-token", "INVALID_ARGUMENT", 2)
        .says("sts.amazonaws.com")
        .helps("tokenRequests")
        .helps("sts.amazonaws.com");
}

#[tokio::test]
async fn a_role_that_is_not_named_is_no_source() {
    let request = with_token(publish("pod"), CANARY, LATER);
    explained(&driver(), &request, &[])
        .await
        .is("no-source-applies", "FAILED_PRECONDITION", 3)
        .says("pod-token: ")
        .says("pod-identity: ")
        .helps("KUBECONFIG")
        .helps("EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI");
}

#[tokio::test]
async fn a_role_arn_that_is_none_is_named_by_its_flag() {
    let request = with_token(publish("pod"), CANARY, LATER);
    explained(&driver(), &request, &["--role-arn", "reader"])
        .await
        .is("invalid-role-arn", "INVALID_ARGUMENT", 2)
        .says("--role-arn")
        .helps("arn:aws:iam::");
}

#[tokio::test]
async fn a_web_identity_without_a_region_lists_every_place_for_one() {
    let request = with_token(publish("pod"), CANARY, LATER);
    let failure = explained(&Driver::new(), &request, &["--role-arn", ROLE]).await;
    failure
        .is("no-region", "FAILED_PRECONDITION", 3)
        .helps("stsRegion")
        .helps("--region")
        .helps("AWS_REGION")
        .helps("hop limit");
    let resolvers = failure.error["regionAttempts"].as_array().unwrap();
    let names: Vec<_> = resolvers.iter().map(|it| it["resolver"].as_str().unwrap()).collect();
    assert_eq!(names, ["volume-context", "mount-options", "environment", "imds"]);
    assert_eq!(failure.error["attempts"][0]["outcome"], "provided");
}

#[tokio::test]
async fn a_region_that_is_an_availability_zone_is_no_region() {
    let mut request = with_token(publish("pod"), CANARY, LATER);
    request["volumeContext"]["stsRegion"] = json!("eu-north-1a");
    explained(&driver(), &request, &["--role-arn", ROLE])
        .await
        .is("invalid-region", "INVALID_ARGUMENT", 2)
        .says("stsRegion")
        .helps("stsRegion");
}

#[tokio::test]
async fn an_expired_token_is_not_handed_out() {
    let request = with_token(publish("pod"), CANARY, "2001-01-01T00:00:00Z");
    explained(&driver(), &request, &["--role-arn", ROLE])
        .await
        .is("expired-token", "UNAUTHENTICATED", 4)
        .says("sts.amazonaws.com")
        .helps("requiresRepublish");
}

#[tokio::test]
async fn a_token_that_is_half_a_jwt_is_malformed() {
    let request = with_token(publish("pod"), &format!("{CANARY}.{CANARY}.x"), LATER);
    explained(&driver(), &request, &["--role-arn", ROLE])
        .await
        .is("malformed-token", "INVALID_ARGUMENT", 2)
        .says("sts.amazonaws.com");
}

#[tokio::test]
async fn an_empty_secret_is_an_error_of_its_level() {
    explained(&driver(), &publish("secret"), &[])
        .await
        .is("no-source-applies", "FAILED_PRECONDITION", 3)
        .says("secret-request: ")
        .helps("nodePublishSecretRef");
    explained(&driver(), &publish_with_keys("", ""), &[])
        .await
        .is("no-source-applies", "FAILED_PRECONDITION", 3)
        .helps("key_id");
}

#[tokio::test]
async fn half_a_secret_is_wrong_and_not_ignored() {
    explained(&driver(), &publish_with_keys("", CANARY), &[])
        .await
        .is("invalid-secret", "INVALID_ARGUMENT", 2)
        .says("key_id")
        .helps("key_id");
}

#[tokio::test]
async fn an_unknown_level_is_refused_by_the_levels_that_there_are() {
    explained(&driver(), &publish(CANARY), &[])
        .await
        .is("unknown-authentication-level", "INVALID_ARGUMENT", 2)
        .says("authenticationSource")
        .helps("driver (the default), pod or secret");
}

#[tokio::test]
async fn half_a_configuration_is_wrong_and_never_the_nodes_identity() {
    let key = "AWS_SECRET_ACCESS_KEY";
    for (there, value, missing) in [
        ("AWS_ROLE_ARN", ROLE, "AWS_WEB_IDENTITY_TOKEN_FILE"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere", "AWS_ROLE_ARN"),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE", key),
        (key, CANARY, "AWS_ACCESS_KEY_ID"),
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "http://169.254.170.23/v1/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        ),
    ] {
        let driver = driver().with(there, value);
        explained(&driver, &publish("driver"), &[])
            .await
            .is("misconfigured", "FAILED_PRECONDITION", 3)
            .says(missing)
            .says(there)
            .helps(missing);
    }
}

#[tokio::test]
async fn a_token_file_that_is_not_there_is_named() {
    let driver =
        driver().with("AWS_ROLE_ARN", ROLE).with("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere/at/all");
    explained(&driver, &publish("driver"), &[])
        .await
        .is("misconfigured", "FAILED_PRECONDITION", 3)
        .says("/nowhere/at/all")
        .helps("AWS_WEB_IDENTITY_TOKEN_FILE");
}

#[tokio::test]
async fn a_request_from_a_log_is_distinguished_from_one_of_the_kubelet() {
    let mut request = publish("pod");
    request["secrets"] = json!({"csi.storage.k8s.io/serviceAccount.tokens": "***stripped***"});
    explained(&driver(), &request, &[])
        .await
        .is("invalid-request", "INVALID_ARGUMENT", 2)
        .says("stripped")
        .helps("as the kubelet sent it");
}

#[tokio::test]
async fn a_tenants_inline_volume_gets_no_credentials_of_the_driver() {
    let mut request = publish("driver");
    request["volumeContext"]["csi.storage.k8s.io/ephemeral"] = json!("true");
    explained(&driver().with("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"), &request, &[])
        .await
        .is("permission-denied", "PERMISSION_DENIED", 4)
        .says("inline")
        .helps("authenticationSource: pod");
}

#[tokio::test]
async fn a_profile_of_the_volumes_own_is_refused() {
    let mut request = publish("driver");
    request["volumeCapability"] = json!({"mount": {"mountFlags": ["--profile admin"]}});
    explained(&driver(), &request, &[])
        .await
        .is("invalid-request", "INVALID_ARGUMENT", 2)
        .helps("mountOptions");
}

#[tokio::test]
async fn a_driver_without_anything_lists_what_it_could_have() {
    let failure = explained(&driver(), &publish("driver"), &[]).await;
    failure.is("no-source-applies", "FAILED_PRECONDITION", 3);
    let attempts = failure.error["attempts"].as_array().unwrap();
    let names: Vec<_> = attempts.iter().map(|it| it["source"].as_str().unwrap()).collect();
    assert_eq!(names, ["irsa", "pod-identity", "secret-environment", "profile", "imds"]);
    assert!(attempts.iter().all(|attempt| attempt["outcome"] == "not-applicable"));
}
