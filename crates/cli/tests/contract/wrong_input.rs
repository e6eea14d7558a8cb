//! Input that cannot be read is reported by field or position.

use std::fs;

use serde_json::{Value, json};

use crate::driver::{CANARY, Driver};
use crate::requests::publish;

#[tokio::test]
async fn a_wrong_type_in_the_request_is_reported_by_its_field() {
    let driver = Driver::new();
    for (pointer, value, said) in [
        ("/volumeId", json!(7), "volumeId is a number"),
        ("/targetPath", json!(["x"]), "targetPath is a list"),
        ("/readonly", json!("yes"), "readonly is a string"),
        ("/volumeContext", json!([]), "volumeContext is a list"),
        ("/volumeContext/bucketName", json!(true), "volumeContext.bucketName is a boolean"),
        ("/volumeContext/bucketName", json!({"a": "b"}), "volumeContext.bucketName is an object"),
        ("/secrets", json!({"key_id": 12}), "secrets.key_id is a number"),
        ("/secrets", json!(CANARY), "secrets is a string"),
        (
            "/volumeCapability",
            json!({"mount": {"mountFlags": "read-only"}}),
            "volumeCapability.mount.mountFlags is a string",
        ),
        (
            "/volumeCapability",
            json!({"mount": {"mountFlags": [1]}}),
            "volumeCapability.mount.mountFlags holds an entry of the wrong type",
        ),
    ] {
        let mut request = publish("secret");
        request["secrets"] = json!({"access_key": CANARY});
        request["volumeCapability"] = json!({});
        request["readonly"] = json!(false);
        *request.pointer_mut(pointer).unwrap() = value;
        let run = driver.provide(&request, &[]).await;
        run.keeps(CANARY);
        let failure = run.error();
        failure.is("invalid-request", "INVALID_ARGUMENT", 2).says(said).says("line 1, column");
    }
}

#[tokio::test]
async fn a_request_that_is_not_json_is_reported_by_its_position() {
    let driver = Driver::new();
    let path = driver.file("request.json", "{\"volumeId\": \"v\",\n  oops}");
    let run = driver.run(&["region", "--request", &path, "--output", "json"]).await;
    run.error().says("wrong at line 2, column 3");
}

#[tokio::test]
async fn a_configuration_that_is_not_utf_8_is_reported_by_its_position() {
    let driver = Driver::new();
    let path = driver.path("config.yaml");
    fs::write(&path, b"version: 1\nscope: r\xc3\xb6\xff\n").unwrap();
    let path = path.to_str().unwrap();
    for run in [
        driver.run(&["config", "check", path, "--output", "json"]).await,
        driver.explain(&publish("driver"), &["--config", path, "--output", "json"]).await,
    ] {
        assert_eq!(run.status, 2, "{}", run.stdout);
        let object: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(object["error"]["kind"], "invalid-configuration");
        let message = object["error"]["message"].as_str().unwrap();
        assert!(message.contains(":2:10: this is not UTF-8"), "{message}");
    }
}
