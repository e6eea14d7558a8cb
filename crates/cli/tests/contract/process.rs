//! `process`: keys as an AWS `credential_process` prints them, good at STS.

use jiff::Timestamp;
use s3_credential_core::{Keys, Secret};
use s3_credential_testkit::client::Client;
use serde_json::Value;

use crate::cloud::{AGENT, Cloud};
use crate::driver::{CANARY, Driver};
use crate::requests::{ROLE, publish, publish_with_keys, publish_with_tokens, with_token};
use crate::run::keys;

/// Whose keys these are, by STS itself.
async fn caller(cloud: &Cloud, object: &Value) -> String {
    let text = |name: &str| Secret::new(object[name].as_str().unwrap());
    let mut keys = Keys::new(text("AccessKeyId"), text("SecretAccessKey"));
    if object.get("SessionToken").is_some() {
        keys = keys.with_session_token(text("SessionToken"));
    }
    Client::new([("AWS_ENDPOINT_URL_STS", cloud.sts.url().as_str())]).who(&keys).await.unwrap()
}

#[tokio::test]
async fn every_form_is_exchanged_for_keys_that_work() {
    let cloud = Cloud::start().await;
    let pod = publish_with_tokens(&cloud.issuer);
    let agent = cloud.driver().with(AGENT, &cloud.agent.credentials_url());
    for (driver, request, more) in [
        (cloud.driver_with_role(), publish("driver"), &[][..]),
        (cloud.driver_with_association(), publish("driver"), &[]),
        (cloud.driver(), publish("driver"), &[]),
        (cloud.driver(), pod.clone(), &["--role-arn", ROLE]),
        (agent, pod, &[]),
    ] {
        let object = driver.ask("process", &request, more).await.object();
        let names = ["Version", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"];
        assert_eq!(keys(&object), names.into());
        assert_eq!(object["Version"], 1);
        let expiration: Timestamp = object["Expiration"].as_str().unwrap().parse().unwrap();
        assert!(expiration > Timestamp::UNIX_EPOCH);
        assert!(
            caller(&cloud, &object)
                .await
                .starts_with("arn:aws:sts::111122223333:assumed-role/reader/")
        );
        assert_eq!((driver.entries("write"), driver.entries("state")), (vec![], vec![]));
    }
}

#[tokio::test]
async fn long_term_keys_are_printed_without_an_end() {
    let cloud = Cloud::start().await;
    let object = cloud.driver_with_keys().ask("process", &publish("driver"), &[]).await.object();
    assert_eq!(keys(&object), ["Version", "AccessKeyId", "SecretAccessKey"].into());
    assert_eq!(caller(&cloud, &object).await, "arn:aws:iam::111122223333:user/driver");
    let request = publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY);
    let object = Driver::new().ask("process", &request, &[]).await.object();
    assert_eq!(
        (&object["AccessKeyId"], &object["SecretAccessKey"]),
        (&"AKIAIOSFODNN7EXAMPLE".into(), &CANARY.into())
    );
}

#[tokio::test]
async fn what_sts_refuses_is_reported_without_the_token() {
    let cloud = Cloud::start().await;
    let stranger =
        cloud.issuer.service_account("apps", "stranger").audience("sts.amazonaws.com").sign();
    let mut request = with_token(publish("pod"), &stranger, "2100-01-01T00:00:00Z");
    request["volumeContext"]["csi.storage.k8s.io/serviceAccount.name"] = "stranger".into();
    let run = cloud.driver().ask("process", &request, &["--role-arn", ROLE]).await;
    run.keeps(&stranger);
    let failure = run.error();
    failure.is("permission-denied", "PERMISSION_DENIED", 4);
    assert!(!failure.text("help").is_empty());

    let unknown = "arn:aws:iam::111122223333:role/unknown";
    let pod = publish_with_tokens(&cloud.issuer);
    let failure = cloud.driver().ask("process", &pod, &["--role-arn", unknown]).await.error();
    assert_eq!((failure.status, failure.text("code")), (4, "PERMISSION_DENIED"));
}

#[tokio::test]
async fn sts_that_is_down_is_worth_another_try() {
    let cloud = Cloud::start().await;
    let pod = publish_with_tokens(&cloud.issuer);
    let driver = cloud.driver();
    cloud.sts.stop().await;
    let failure = driver.ask("process", &pod, &["--role-arn", ROLE]).await.error();
    failure.is("unavailable", "UNAVAILABLE", 5);
}
