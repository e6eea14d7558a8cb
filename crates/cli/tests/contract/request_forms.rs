//! The request: both spellings, from a file and from standard input, and what is wrong with it.

use std::fs::File;

use serde_json::{Value, json};

use crate::driver::{CANARY, Driver, run};
use crate::requests::{publish_with_keys, target_path};
use crate::run::Run;

/// Reads the request on standard input.
async fn provide_from_stdin(driver: &Driver, request: &str) -> Run {
    let file = driver.file("request.json", request);
    let (write, state) = (driver.path("write"), driver.path("state"));
    let mut command = driver.command(&["provide", "--request", "-"]);
    command.args(["--write-path".as_ref(), write.as_os_str()]);
    command.args(["--state-path".as_ref(), state.as_os_str()]);
    command.stdin(File::open(file).unwrap());
    run(command).await
}

fn environment(run: &Run) -> Value {
    run.public_object()["environment"].clone()
}

#[tokio::test]
async fn both_spellings_and_both_ways_in_are_one_request() {
    let driver = Driver::new();
    let camel_case = publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY);
    let proto = json!({
        "volume_id": camel_case["volumeId"],
        "target_path": camel_case["targetPath"],
        "volume_context": camel_case["volumeContext"],
        "volume_capability": {"mount": {"mount_flags": ["region eu-west-1"]}, "access_mode": {"mode": 5}},
        "readonly": null,
        "secrets": camel_case["secrets"],
        "publish_context": {},
        "staging_target_path": "/unused",
        "from_a_later_version": [1, {"a": null}],
    });
    let mut with_flags = camel_case.clone();
    with_flags["volumeCapability"] = json!({"mount": {"mountFlags": ["--region=eu-west-1"]}});
    let first = environment(&driver.provide(&with_flags, &[]).await);
    assert_eq!(first["AWS_REGION"], "eu-west-1");
    assert_eq!(environment(&driver.provide(&proto, &[]).await), first);
    assert_eq!(environment(&provide_from_stdin(&driver, &proto.to_string()).await), first);
}

#[tokio::test]
async fn what_is_no_request_is_refused_by_place_and_not_by_content() {
    let driver = Driver::new();
    for text in [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        format!("{{\"volumeId\": {CANARY}}}"),
        format!("{{\n\"volumeId\": \"{CANARY}\",\n\"volumeId\"}}"),
        json!({"volumeId": {CANARY: 1}, "targetPath": "/mnt"}).to_string(),
        json!({"volumeId": "v", "targetPath": "/mnt", "secrets": [CANARY]}).to_string(),
    ] {
        let failure = provide_from_stdin(&driver, &text).await.error();
        failure.is("invalid-request", "INVALID_ARGUMENT", 2).says("line").says("column");
    }
}

#[tokio::test]
async fn a_field_that_must_be_there_is_named() {
    let driver = Driver::new();
    for (field, value) in [
        ("volumeId", json!("")),
        ("volumeId", Value::Null),
        ("volumeId", json!("a\0b")),
        ("targetPath", json!("")),
        ("targetPath", json!("/mnt/a\0b")),
    ] {
        let mut request = publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY);
        request[field] = value;
        let failure = driver.provide(&request, &[]).await.error();
        failure.is("invalid-request", "INVALID_ARGUMENT", 2).says(field);
        let failure = driver.cleanup(&request, &[]).await.error();
        failure.is("invalid-request", "INVALID_ARGUMENT", 2).says(field);
    }
    assert_eq!(driver.entries("write"), [""; 0]);
}

#[tokio::test]
async fn an_empty_value_is_an_unset_one() {
    let driver = Driver::new().with("AWS_REGION", "").with("AWS_ROLE_ARN", "");
    let mut request = publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY);
    request["volumeContext"]["stsRegion"] = json!("");
    request["secrets"]["session_token"] = json!("");
    let object = driver.provide(&request, &["--mountpoint-pod-uid", "", "--role-arn", ""]).await;
    assert_eq!(object.public_object()["region"], Value::Null);
    assert_eq!(driver.entries("write").first().unwrap(), "s3cred@4a5d@photos");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_named() {
    let driver = Driver::new();
    let run = driver.run(&["provide", "--request", "nowhere.json", "--write-path", "write"]).await;
    run.error().is("invalid-request", "INVALID_ARGUMENT", 2).says("nowhere.json");
    let run = driver.run(&["provide", "--request", "write", "--write-path", "write"]).await;
    run.error().is("invalid-request", "INVALID_ARGUMENT", 2).says("write");
}

#[tokio::test]
async fn a_request_larger_than_grpc_lets_through_is_refused() {
    let mut request = publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY);
    request["unknown"] = json!("x".repeat(5 << 20));
    let failure = Driver::new().provide(&request, &[]).await.error();
    failure.is("invalid-request", "INVALID_ARGUMENT", 2).says("4 MiB");
}

#[tokio::test]
async fn a_cleanup_takes_the_publish_request_and_the_unpublish_request_alike() {
    let driver = Driver::new();
    let publish = publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY);
    for unpublish in [
        publish.clone(),
        json!({"volumeId": "photos", "targetPath": target_path("4a5d")}),
        json!({"volume_id": "photos", "target_path": target_path("4a5d")}),
    ] {
        driver.provide(&publish, &[]).await.public_object();
        let cleaned = driver.cleanup(&unpublish, &[]).await.public_object();
        assert_eq!(cleaned["remainingHolders"], 0);
        assert_eq!((driver.entries("write"), driver.entries("state")), (vec![], vec![]));
    }
}
