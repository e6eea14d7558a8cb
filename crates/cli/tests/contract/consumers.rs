//! What Mountpoint and the SDKs read differently, and what is passed on to both.

use serde_json::Value;

use crate::cloud::Cloud;
use crate::driver::{CANARY, Driver};
use crate::requests::{ROLE, publish, publish_with_keys, publish_with_tokens};

async fn environment(driver: &Driver, request: &Value, more: &[&str]) -> Value {
    driver.provide(request, more).await.public_object()["environment"].clone()
}

#[tokio::test]
async fn the_endpoint_of_sts_is_a_host_for_mountpoint_and_a_url_for_sdks() {
    let cloud = Cloud::start().await;
    let driver = cloud
        .driver()
        .with("AWS_ENDPOINT_URL_STS", "https://vpce-1.sts.eu-north-1.vpce.amazonaws.com:443/");
    let request = publish_with_tokens(&cloud.issuer);
    let mut more = vec!["--role-arn", ROLE];
    let mountpoint = environment(&driver, &request, &more).await;
    assert_eq!(mountpoint["AWS_ENDPOINT_URL_STS"], "vpce-1.sts.eu-north-1.vpce.amazonaws.com");
    more.extend(["--consumer", "sdk"]);
    let sdk = environment(&driver, &request, &more).await;
    assert_eq!(
        sdk["AWS_ENDPOINT_URL_STS"],
        "https://vpce-1.sts.eu-north-1.vpce.amazonaws.com:443/"
    );
}

#[tokio::test]
async fn what_the_network_needs_is_passed_on() {
    let driver = Driver::new();
    let bundle = driver.file("ca.pem", "-----BEGIN CERTIFICATE-----");
    let driver = driver
        .with("AWS_CA_BUNDLE", &bundle)
        .with("HTTPS_PROXY", "http://proxy.example:3128")
        .with("NO_PROXY", "10.0.0.0/8, .svc")
        .with("AWS_STS_REGIONAL_ENDPOINTS", "regional")
        .with("AWS_PROFILE", "admin")
        .with("AWS_ENDPOINT_URL", "http://169.254.1.1")
        .with("HTTP_PROXY", "http://proxy.example:3128");
    let request = publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY);
    let delivered = environment(&driver, &request, &[]).await;
    let copy = delivered["AWS_CA_BUNDLE"].as_str().unwrap();
    assert!(copy.starts_with(driver.path("write").to_str().unwrap()), "{copy}");
    assert_eq!(std::fs::read_to_string(copy).unwrap(), "-----BEGIN CERTIFICATE-----");
    for name in ["HTTPS_PROXY", "NO_PROXY"] {
        assert_eq!(delivered[name], delivered[name.to_ascii_lowercase()], "{name}");
    }
    assert_eq!(delivered["HTTPS_PROXY"], "http://proxy.example:3128");
    assert_eq!(delivered["NO_PROXY"], "10.0.0.0/8,.svc,169.254.170.23,fd00:ec2::23");
    assert_eq!(delivered["AWS_STS_REGIONAL_ENDPOINTS"], "regional");
    assert_eq!(delivered["AWS_PROFILE"], "s3-csi", "not the driver's own");
    assert!(delivered.get("AWS_ENDPOINT_URL").is_none(), "it would hijack S3");
    assert!(delivered.get("HTTP_PROXY").is_none());
}

#[tokio::test]
async fn a_role_session_name_is_passed_on() {
    let cloud = Cloud::start().await;
    let driver = cloud.driver_with_role().with("AWS_ROLE_SESSION_NAME", "node-7");
    let delivered = environment(&driver, &publish("driver"), &[]).await;
    assert_eq!(delivered["AWS_ROLE_SESSION_NAME"], "node-7");
}
