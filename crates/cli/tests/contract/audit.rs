//! `s3cred audit`: each volume's identity, why it has it, and the least policy that it needs.

use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::driver::{CANARY, Driver};
use crate::requests::{ROLE, publish, publish_with_keys, publish_with_tokens};

/// The policy of the one volume, which is mounted with these options.
async fn policy_of(options: &[&str]) -> Value {
    let driver = Driver::new();
    let mut request = publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY);
    request["volumeCapability"] = json!({"mount": {"mountFlags": options}});
    driver.provide(&request, &[]).await.keeps(CANARY);
    let audited = driver.survey("audit", &["--output", "json"]).await.public_object();
    audited["volumes"][0].clone()
}

fn actions(volume: &Value) -> Vec<&str> {
    let statements = volume["policy"]["Statement"].as_array().unwrap();
    let actions = statements.iter().flat_map(|it| it["Action"].as_array().unwrap());
    actions.map(|action| action.as_str().unwrap()).filter(|it| it.starts_with("s3:")).collect()
}

#[tokio::test]
async fn the_policy_is_the_least_that_the_mount_options_need() {
    for (options, expected) in [
        (&["read-only"][..], &["s3:ListBucket", "s3:GetObject"][..]),
        (&[], &["s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"]),
        (
            &["allow-delete"],
            &[
                "s3:ListBucket",
                "s3:GetObject",
                "s3:PutObject",
                "s3:AbortMultipartUpload",
                "s3:DeleteObject",
            ],
        ),
    ] {
        assert_eq!(actions(&policy_of(options).await), expected, "{options:?}");
    }
    let narrowed = policy_of(&["prefix team-a/", "read-only"]).await;
    let text = narrowed["policy"].to_string();
    assert!(text.contains("arn:aws:s3:::photos/team-a/*"), "{text}");
    assert!(text.contains(r#""s3:prefix":"team-a/*""#), "{text}");
}

#[tokio::test]
async fn a_volume_that_no_policy_fits_says_why() {
    let volume = policy_of(&["prefix team-a"]).await;
    assert_eq!(volume["policy"], Value::Null);
    assert_eq!(volume["policyError"]["kind"], "invalid-request");
    assert!(volume["policyError"]["message"].as_str().unwrap().contains("prefix"));
}

#[tokio::test]
async fn a_volume_without_credentials_needs_no_policy() {
    let volume = policy_of(&["no-sign-request"]).await;
    assert_eq!((&volume["policy"], &volume["policyError"]), (&Value::Null, &Value::Null));
    assert_eq!(volume["form"], "anonymous");
}

#[tokio::test]
async fn the_policy_is_the_one_that_scope_volume_sets() {
    let cloud = Cloud::start().await;
    let driver = cloud.driver();
    let config = driver.file("config.yaml", "scope: volume\n");
    let request = publish_with_tokens(&cloud.issuer);
    driver.provide(&request, &["--role-arn", ROLE, "--config", &config]).await.object();
    let audited = driver.survey("audit", &["--output", "json"]).await.public_object();
    let volume = &audited["volumes"][0];
    assert_eq!(volume["scope"], "volume");
    assert!(actions(volume).contains(&"s3:PutObject"));
}

#[tokio::test]
async fn the_identity_has_its_reasons_and_keeps_them_through_a_republish() {
    let cloud = Cloud::start().await;
    let driver = cloud.driver_with_keys();
    driver.provide(&publish("driver"), &[]).await.object();
    let first = driver.survey("audit", &["--output", "json"]).await.public_object();
    let volume = &first["volumes"][0];
    assert_eq!(volume["levelReason"], "the volume attribute `authenticationSource`");
    assert_eq!(volume["credentialSource"], "secret-environment");
    let passed_over: Vec<_> = volume["passedOver"].as_array().unwrap().iter().collect();
    assert_eq!(passed_over[0]["source"], "irsa");
    assert!(passed_over[0]["reason"].as_str().unwrap().contains("AWS_ROLE_ARN"));

    driver.provide(&publish("driver"), &[]).await.object();
    assert_eq!(driver.survey("audit", &["--output", "json"]).await.public_object(), first);
    let page = driver.survey("audit", &[]).await;
    for part in ["photos (apps/web)", "not irsa: ", "needs", "s3:GetObject"] {
        assert!(page.ok().contains(part), "{part}: {}", page.stdout);
    }
}
