//! `provide --output json`, for every level, source, form and delivery.

use std::fs;

use serde_json::{Value, json};

use crate::cloud::{AGENT, Cloud};
use crate::driver::{CANARY, Driver, mode};
use crate::requests::{ROLE, publish, publish_with_keys, publish_with_tokens};
use crate::run::{is_attempt, keys};

/// Provides, and judges what every answer has: names, types, and that the files are where the
/// variables say.
async fn provided(driver: &Driver, request: &Value, more: &[&str]) -> Value {
    let object = driver.provide(request, more).await.public_object();
    assert_eq!(
        keys(&object),
        [
            "authenticationLevel",
            "credentialSource",
            "form",
            "delivery",
            "region",
            "environment",
            "files",
            "expiresAt",
            "refreshAt",
            "attempts",
            "warnings",
        ]
        .into()
    );
    if object["region"] != Value::Null {
        assert_eq!(keys(&object["region"]), ["name", "resolver"].into());
    }
    object["attempts"].as_array().unwrap().iter().for_each(|attempt| is_attempt(attempt, "source"));
    let variables = object["environment"].as_object().unwrap();
    for file in object["files"].as_array().unwrap() {
        assert_eq!(keys(file), ["path", "mode"].into());
        let path = file["path"].as_str().unwrap();
        assert_eq!((&file["mode"], mode(path)), (&json!("0640"), "0640".to_owned()));
        assert!(variables.values().any(|value| value == path), "no variable names {path}");
    }
    for name in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
        let path = variables[name].as_str().unwrap();
        assert!(path.starts_with(driver.path("write").to_str().unwrap()), "{path}");
        let is_delivered = object["delivery"] == "profile";
        assert_eq!(fs::exists(path).unwrap(), is_delivered, "{name} names {path}");
    }
    let disabled = variables.get("AWS_EC2_METADATA_DISABLED");
    let expected = (object["form"] != "instance-profile").then(|| json!("true"));
    assert_eq!(disabled, expected.as_ref());
    object
}

/// `[level, source, form, delivery, resolver]`
fn decided(object: &Value) -> [&str; 5] {
    let text =
        |value: &'_ Value| value.as_str().map_or("null", |text| Box::leak(text.to_owned().into()));
    [
        text(&object["authenticationLevel"]),
        text(&object["credentialSource"]),
        text(&object["form"]),
        text(&object["delivery"]),
        text(&object["region"]["resolver"]),
    ]
}

fn names(object: &Value) -> Vec<&str> {
    object["environment"].as_object().unwrap().keys().map(String::as_str).collect()
}

fn contents(object: &Value, variable: &str) -> String {
    fs::read_to_string(object["environment"][variable].as_str().unwrap()).unwrap()
}

/// Variables of every environment but the instance profile's.
const NEUTRAL: [&str; 4] = [
    "AWS_CONFIG_FILE",
    "AWS_DEFAULT_REGION",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_SHARED_CREDENTIALS_FILE",
];

fn with_neutral(more: &[&'static str]) -> Vec<&'static str> {
    let mut all = [&NEUTRAL[..], more].concat();
    all.sort_unstable();
    all
}

#[tokio::test]
async fn driver_level_by_irsa() {
    let cloud = Cloud::start().await;
    let driver = cloud.driver_with_role();
    let object = provided(&driver, &publish("driver"), &[]).await;
    assert_eq!(decided(&object), ["driver", "irsa", "web-identity", "delegated", "imds"]);
    assert_eq!(
        names(&object),
        with_neutral(&["AWS_ENDPOINT_URL_STS", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"])
    );
    assert_eq!(object["environment"]["AWS_ROLE_ARN"], ROLE);
    let token = contents(&object, "AWS_WEB_IDENTITY_TOKEN_FILE");
    assert!(!token.is_empty() && !token.ends_with('\n'));
    assert!(object["expiresAt"].is_string() && object["refreshAt"].is_string());
    let attempts: Vec<_> = object["attempts"].as_array().unwrap().iter().collect();
    assert_eq!(attempts[0]["outcome"], "provided");
    assert!(attempts[1..].iter().all(|attempt| attempt["outcome"] == "not-tried"));
}

#[tokio::test]
async fn driver_level_by_pod_identity() {
    let cloud = Cloud::start().await;
    let driver = cloud.driver_with_association();
    let object = provided(&driver, &publish("driver"), &[]).await;
    assert_eq!(decided(&object), ["driver", "pod-identity", "container", "delegated", "imds"]);
    assert_eq!(
        names(&object),
        with_neutral(&[
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_ENDPOINT_URL_STS",
        ])
    );
    assert!(!contents(&object, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").ends_with('\n'));
}

#[tokio::test]
async fn driver_level_by_keys() {
    let cloud = Cloud::start().await;
    let driver = cloud.driver_with_keys();
    let object = provided(&driver, &publish("driver"), &[]).await;
    assert_eq!(decided(&object), ["driver", "secret-environment", "keys", "profile", "imds"]);
    assert_eq!(names(&object), with_neutral(&["AWS_ENDPOINT_URL_STS", "AWS_PROFILE"]));
    assert_eq!(contents(&object, "AWS_CONFIG_FILE"), "[profile s3-csi]\n");
    assert!(
        contents(&object, "AWS_SHARED_CREDENTIALS_FILE")
            .starts_with("[s3-csi]\naws_access_key_id=")
    );
    assert_eq!((&object["expiresAt"], &object["refreshAt"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn driver_level_by_the_drivers_profile() {
    let driver = Driver::new();
    let config = driver.file("config", "[default]\nregion = eu-north-1\n[profile admin]\na = b\n");
    let keys = format!("aws_access_key_id=AKIAPROFILE\naws_secret_access_key={CANARY}\n");
    let credentials = driver
        .file("credentials", &format!("[default]\n{keys}[admin]\naws_access_key_id=AKIAADMIN\n"));
    let driver =
        driver.with("AWS_CONFIG_FILE", &config).with("AWS_SHARED_CREDENTIALS_FILE", &credentials);
    for kind in ["systemd", "pod"] {
        let object = provided(&driver, &publish("driver"), &["--mount-kind", kind]).await;
        assert_eq!(decided(&object), ["driver", "profile", "profile", "profile", "null"]);
        assert_eq!(contents(&object, "AWS_CONFIG_FILE"), "[default]\nregion = eu-north-1\n");
        let credentials = contents(&object, "AWS_SHARED_CREDENTIALS_FILE");
        assert_eq!(credentials, format!("[default]\n{keys}"));
        assert!(!names(&object).contains(&"AWS_DEFAULT_REGION"), "no region is known");
    }
}

#[tokio::test]
async fn a_profile_that_is_half_configured_never_becomes_the_instance_profile() {
    let cloud = Cloud::start().await;
    let driver = cloud.driver();
    let empty = driver.file("empty", "[other]\naws_access_key_id=AKIAOTHER\n");
    for variable in ["AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
        for kind in ["systemd", "pod"] {
            let driver = cloud.driver().with(variable, &empty);
            let failure = driver.provide(&publish("driver"), &["--mount-kind", kind]).await.error();
            failure.is("misconfigured", "FAILED_PRECONDITION", 3);
            failure.says(variable);
        }
    }
    for variable in ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"] {
        let driver = cloud.driver().with(variable, "/dev/null");
        let object = provided(&driver, &publish("driver"), &[]).await;
        assert_eq!(object["credentialSource"], "imds");
    }
}

#[tokio::test]
async fn driver_level_by_the_instance_profile() {
    let cloud = Cloud::start().await;
    let object = provided(&cloud.driver(), &publish("driver"), &[]).await;
    assert_eq!(decided(&object), ["driver", "imds", "instance-profile", "none", "imds"]);
    assert_eq!(object["environment"]["AWS_EC2_METADATA_SERVICE_ENDPOINT"], cloud.imds.url());
    assert_eq!(object["files"], json!([]));
    assert!(!driver_has(&object, "AWS_ROLE_ARN"));
}

fn driver_has(object: &Value, name: &str) -> bool {
    object["environment"].get(name).is_some()
}

#[tokio::test]
async fn pod_level_by_the_pods_token() {
    let cloud = Cloud::start().await;
    let request = publish_with_tokens(&cloud.issuer);
    // No part of the driver's own credentials reaches a pod.
    let driver = cloud.driver_with_keys();
    let object = provided(&driver, &request, &["--role-arn", ROLE]).await;
    assert_eq!(decided(&object), ["pod", "pod-token", "web-identity", "delegated", "imds"]);
    assert_eq!(
        names(&object),
        with_neutral(&[
            "AWS_ENDPOINT_URL_STS",
            "AWS_REGION",
            "AWS_ROLE_ARN",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
        ])
    );
    assert_eq!(object["environment"]["AWS_REGION"], object["environment"]["AWS_DEFAULT_REGION"]);
    let expires: jiff::Timestamp = object["expiresAt"].as_str().unwrap().parse().unwrap();
    let refresh: jiff::Timestamp = object["refreshAt"].as_str().unwrap().parse().unwrap();
    assert!(refresh < expires);
}

#[tokio::test]
async fn pod_level_by_pod_identity() {
    let cloud = Cloud::start().await;
    let driver = cloud.driver_with_role().with(AGENT, &cloud.agent.credentials_url());
    let object = provided(&driver, &publish_with_tokens(&cloud.issuer), &[]).await;
    assert_eq!(decided(&object), ["pod", "pod-identity", "container", "delegated", "imds"]);
    assert_eq!(object["attempts"][0]["outcome"], "not-applicable");
    let uri = &object["environment"]["AWS_CONTAINER_CREDENTIALS_FULL_URI"];
    assert_eq!(*uri, cloud.agent.credentials_url());
    assert!(!driver_has(&object, "AWS_ROLE_ARN"));
}

#[tokio::test]
async fn pod_level_under_systemd_keeps_mountpoints_caches_apart() {
    let cloud = Cloud::start().await;
    let more = ["--role-arn", ROLE, "--mount-kind", "systemd"];
    let object = provided(&cloud.driver(), &publish_with_tokens(&cloud.issuer), &more).await;
    assert_eq!(object["environment"]["UNSTABLE_MOUNTPOINT_CACHE_KEY"], "apps/reader");
}

#[tokio::test]
async fn secret_level_by_the_requests_secrets() {
    let driver = Driver::new().with("AWS_REGION", "eu-north-1");
    let mut request = publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY);
    request["secrets"]["session_token"] = json!("FwoGZXIvYXdzE");
    let object = provided(&driver, &request, &[]).await;
    assert_eq!(decided(&object), ["secret", "secret-request", "keys", "profile", "environment"]);
    assert_eq!(
        contents(&object, "AWS_SHARED_CREDENTIALS_FILE"),
        format!(
            "[s3-csi]\naws_access_key_id=AKIAIOSFODNN7EXAMPLE\naws_secret_access_key={CANARY}\naws_session_token=FwoGZXIvYXdzE\n"
        )
    );
}

#[tokio::test]
async fn an_anonymous_volume_asks_no_chain() {
    let cloud = Cloud::start().await;
    let mut request = publish("driver");
    request["volumeCapability"] = json!({"mount": {"mountFlags": ["no-sign-request"]}});
    let object = provided(&cloud.driver_with_keys(), &request, &[]).await;
    assert_eq!(decided(&object), ["driver", "null", "anonymous", "none", "imds"]);
    assert_eq!(object["attempts"], json!([]));
}

#[tokio::test]
async fn a_web_identity_is_exchanged_where_a_profile_is_asked_for() {
    let cloud = Cloud::start().await;
    let (driver, request) = (cloud.driver(), publish_with_tokens(&cloud.issuer));
    let object = provided(&driver, &request, &["--role-arn", ROLE, "--delivery", "profile"]).await;
    assert_eq!(object["delivery"], "profile");
    assert_eq!(object["credentialSource"], "pod-token");
    assert!(contents(&object, "AWS_SHARED_CREDENTIALS_FILE").contains("aws_session_token="));
    assert!(!driver_has(&object, "AWS_WEB_IDENTITY_TOKEN_FILE"));
}

#[tokio::test]
async fn a_delivery_that_cannot_carry_the_form_is_refused() {
    let cloud = Cloud::start().await;
    let request = publish_with_tokens(&cloud.issuer);
    for delivery in ["environment", "endpoint"] {
        let more = ["--role-arn", ROLE, "--delivery", delivery];
        let failure = cloud.driver().provide(&request, &more).await.error();
        failure.is("unsupported-delivery", "INVALID_ARGUMENT", 2);
    }
}

#[tokio::test]
async fn variables_name_files_as_mountpoint_sees_them() {
    let driver = Driver::new();
    let request = publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY);
    let object =
        driver.provide(&request, &["--env-path", "/comm/credentials"]).await.public_object();
    let path = "/comm/credentials/s3cred@4a5d@photos/credentials";
    assert_eq!(object["environment"]["AWS_SHARED_CREDENTIALS_FILE"], path);
    assert_eq!(object["files"][1]["path"], path);
    assert!(driver.path("write/s3cred@4a5d@photos/credentials").exists());
}

#[tokio::test]
async fn a_write_path_that_is_not_there_is_not_made() {
    let driver = Driver::new();
    let file =
        driver.file("request.json", &publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY).to_string());
    let missing = driver.path("nowhere");
    for path in [missing.to_str().unwrap(), ""] {
        let run = driver.run(&["provide", "--request", &file, "--write-path", path]).await;
        let failure = run.error();
        assert!([2, 3].contains(&failure.status), "{failure:?}");
        failure.says("write");
    }
    assert!(!missing.exists());
}
