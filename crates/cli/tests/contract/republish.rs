//! What a second process does with a volume that a first one has published.

use std::fs;

use serde_json::{Value, json};

use crate::cloud::{AGENT, Cloud};
use crate::driver::{CANARY, Driver};
use crate::requests::{ROLE, publish, publish_with_keys, publish_with_tokens, with_token};

const DAY: &str = "2100-01-01T00:00:00Z";
const NEXT_DAY: &str = "2100-01-02T00:00:00Z";

fn driver() -> Driver {
    Driver::new().with("AWS_REGION", "eu-north-1")
}

fn token(object: &Value) -> String {
    fs::read_to_string(object["environment"]["AWS_WEB_IDENTITY_TOKEN_FILE"].as_str().unwrap())
        .unwrap()
}

#[tokio::test]
async fn a_newer_token_replaces_an_older_one_and_never_the_reverse() {
    let driver = driver();
    let role = ["--role-arn", ROLE];
    let publish = |text: &str, ends_at: &str| with_token(publish("pod"), text, ends_at);
    let first = driver.provide(&publish("first", DAY), &role).await.public_object();
    assert_eq!(token(&first), "first");
    let second = driver.provide(&publish("second", NEXT_DAY), &role).await.public_object();
    assert_eq!(
        (token(&second), &second["environment"]),
        ("second".to_owned(), &first["environment"])
    );
    let late = driver.provide(&publish("first", DAY), &role).await.public_object();
    assert_eq!(token(&late), "second");
    assert_eq!(late["expiresAt"], second["expiresAt"], "what is there counts");
}

#[tokio::test]
async fn a_failed_republish_keeps_everything_and_is_worth_another_try() {
    let driver = driver();
    let role = ["--role-arn", ROLE];
    let first =
        driver.provide(&with_token(publish("pod"), "first", DAY), &role).await.public_object();
    let before = (driver.entries("write"), driver.entries("state"));
    let mut without_pod = publish("pod");
    without_pod["volumeContext"] = json!({"authenticationSource": "pod"});
    let mut stripped = publish("pod");
    stripped["secrets"] = json!({"csi.storage.k8s.io/serviceAccount.tokens": "***stripped***"});
    for broken in [
        publish("pod"),
        with_token(publish("pod"), CANARY, "2001-01-01T00:00:00Z"),
        with_token(publish("pod"), "", NEXT_DAY),
        publish(CANARY),
        without_pod,
        stripped,
    ] {
        let failure = driver.provide(&broken, &role).await.error();
        failure.is("unavailable", "UNAVAILABLE", 5).says("keeps its credentials");
        assert_eq!(token(&first), "first");
    }
    assert_eq!((driver.entries("write"), driver.entries("state")), before);
    // With `--mounted no`, it is a first publish.
    let unmounted = [&role[..], &["--mounted", "no"]].concat();
    let failure = driver.provide(&publish("pod"), &unmounted).await.error();
    failure.is("missing-token", "INVALID_ARGUMENT", 2);
    assert_eq!(token(&first), "first");
}

#[tokio::test]
async fn who_knows_of_a_mount_gets_no_final_error_even_without_a_lease() {
    let failure = driver().provide(&publish("pod"), &["--mounted", "yes"]).await.error();
    failure.is("unavailable", "UNAVAILABLE", 5).says("no service-account tokens");
}

#[tokio::test]
async fn another_source_is_reported_and_taken_when_not_mounted() {
    let cloud = Cloud::start().await;
    let driver = cloud.driver();
    let request = publish_with_tokens(&cloud.issuer);
    let first = driver.provide(&request, &["--role-arn", ROLE]).await.public_object();
    assert!(first.get("identityChanged").is_none());

    // The role is gone, and the agent is there instead.
    let driver = driver.with(AGENT, &cloud.agent.credentials_url());
    let kept = driver.provide(&request, &[]).await.public_object();
    assert_eq!(kept["identityChanged"], true);
    assert_eq!(
        (&kept["environment"], &kept["credentialSource"]),
        (&first["environment"], &json!("pod-token"))
    );
    assert_eq!(kept["files"], first["files"]);

    let taken = driver.provide(&request, &["--mounted", "no"]).await.public_object();
    assert!(taken.get("identityChanged").is_none());
    assert_eq!(taken["credentialSource"], "pod-identity");
    assert_eq!(
        driver.entries("write").len(),
        2,
        "only what the new source needs: {:?}",
        driver.entries("write")
    );
}

#[tokio::test]
async fn another_role_is_another_identity() {
    let driver = driver();
    let other = "arn:aws:iam::111122223333:role/writer";
    driver.provide(&with_token(publish("pod"), "first", DAY), &["--role-arn", ROLE]).await.ok();
    let newer = with_token(publish("pod"), "second", NEXT_DAY);
    let kept = driver.provide(&newer, &["--role-arn", other]).await.public_object();
    assert_eq!(kept["identityChanged"], true);
    assert_eq!(kept["environment"]["AWS_ROLE_ARN"], ROLE);
    assert_eq!(token(&kept), "second", "the identity that is mounted is refreshed");
}

#[tokio::test]
async fn rotated_keys_of_a_secret_reach_the_mounted_volume() {
    let driver = driver();
    let first = driver.provide(&publish_with_keys("AKIAFIRST", CANARY), &[]).await.public_object();
    let second =
        driver.provide(&publish_with_keys("AKIASECOND", CANARY), &[]).await.public_object();
    assert_eq!(first["environment"], second["environment"]);
    let file = second["environment"]["AWS_SHARED_CREDENTIALS_FILE"].as_str().unwrap();
    assert!(fs::read_to_string(file).unwrap().contains("AKIASECOND"));
}
