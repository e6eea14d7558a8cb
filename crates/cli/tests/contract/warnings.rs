//! What works and is perhaps not meant is in `warnings`, and on stderr.

use serde_json::{Value, json};

use crate::driver::Driver;
use crate::requests::publish_with_keys;

fn request(attributes: &Value, flags: &Value) -> Value {
    let mut request = publish_with_keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI");
    for (name, value) in attributes.as_object().unwrap() {
        request["volumeContext"][name] = value.clone();
    }
    request["volumeCapability"] = json!({"mount": {"mountFlags": flags}});
    request
}

#[tokio::test]
async fn a_misspelt_attribute_and_an_unclear_mount_option_are_warned_of() {
    let request = request(&json!({"bucketname": "x"}), &json!(["allow-other", "red-only"]));
    let driver = Driver::new();
    for run in [
        driver.provide(&request, &[]).await,
        driver.provide(&request, &[]).await,
        driver.explain(&request, &["--output", "json"]).await,
    ] {
        assert_eq!(run.status, 0, "{}", run.stderr);
        let object: Value = serde_json::from_str(&run.stdout).unwrap();
        let warnings = object["warnings"].as_array().unwrap();
        let lines: Vec<&str> = run.stderr.lines().collect();
        assert_eq!((warnings.len(), lines.len()), (2, 2), "{}", run.stderr);
        for (warning, line) in warnings.iter().zip(lines) {
            assert_eq!(line, format!("s3cred: warning: {}", warning.as_str().unwrap()));
        }
        assert!(warnings[0].as_str().unwrap().contains("`bucketName`"), "{warnings:?}");
        assert!(warnings[1].as_str().unwrap().contains("mountOptions[1]"), "{warnings:?}");
    }
}

#[tokio::test]
async fn a_volume_without_fault_has_no_warnings() {
    let request = request(&json!({}), &json!(["allow-other", "--prefix a/"]));
    let object = Driver::new().provide(&request, &[]).await.object();
    assert_eq!(object["warnings"], json!([]));
}
