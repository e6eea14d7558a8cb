//! No secret is in any output, however much of it is asked for.

use std::fs;

use serde_json::Value;

use crate::cloud::{AGENT, Cloud};
use crate::driver::{CANARY, Driver};
use crate::requests::{ROLE, publish, publish_with_keys, publish_with_tokens, with_token};
use crate::run::Run;

/// Every secret that a request and a driver's files bring, and every key that was handed out.
fn secrets(cloud: &Cloud, driver: &Driver, request: &Value) -> Vec<String> {
    let mut secrets = vec![CANARY.to_owned()];
    for name in ["web-identity-token", "eks-pod-identity-token"] {
        secrets.extend(fs::read_to_string(driver.path(name)));
    }
    let tokens = request["secrets"]["csi.storage.k8s.io/serviceAccount.tokens"].as_str();
    let tokens: Value = serde_json::from_str(tokens.unwrap_or("{}")).unwrap();
    let of_request = tokens.as_object().unwrap().values();
    secrets.extend(of_request.map(|entry| entry["token"].as_str().unwrap().to_owned()));
    for issued in cloud.iam.all_issued() {
        secrets.push(issued.secret_access_key.expose().to_owned());
        secrets.extend(issued.session_token.map(|token| token.expose().to_owned()));
    }
    secrets
}

fn check(run: &Run, secrets: &[String]) {
    assert!(run.stderr.contains(" s3_credential_"), "no line was logged: {}", run.stderr);
    for secret in secrets {
        run.keeps(secret);
    }
}

#[tokio::test]
async fn no_log_of_any_level_holds_one() {
    let cloud = Cloud::start().await;
    let pod = publish_with_tokens(&cloud.issuer);
    let agent = cloud.driver().with(AGENT, &cloud.agent.credentials_url());
    for (driver, request, more) in [
        (cloud.driver_with_role(), publish("driver"), &[][..]),
        (cloud.driver_with_association(), publish("driver"), &[]),
        (cloud.driver_with_keys(), publish("driver"), &[]),
        (cloud.driver(), publish("driver"), &[]),
        (cloud.driver(), pod.clone(), &["--role-arn", ROLE]),
        (cloud.driver(), pod.clone(), &["--role-arn", ROLE, "--delivery", "profile"]),
        (agent, pod, &[]),
        (cloud.driver(), publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY), &[]),
        (
            cloud.driver(),
            publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY),
            &["--delivery", "environment"],
        ),
    ] {
        let driver = driver.with("RUST_LOG", "trace");
        for run in [
            driver.provide(&request, more).await,
            driver.provide(&request, more).await,
            driver.cleanup(&request, &[]).await,
        ] {
            assert_eq!(run.status, 0, "{}", run.stderr);
            check(&run, &secrets(&cloud, &driver, &request));
        }
        let explained = driver.explain(&request, more).await;
        assert_eq!(explained.status, 0, "{}", explained.stderr);
        for secret in &secrets(&cloud, &driver, &request) {
            explained.keeps(secret);
        }
    }
}

#[tokio::test]
async fn no_log_of_an_exchange_holds_one() {
    let cloud = Cloud::start().await;
    let driver = cloud.driver().with("RUST_LOG", "trace");
    let request = publish_with_tokens(&cloud.issuer);
    let run = driver.ask("process", &request, &["--role-arn", ROLE]).await;
    let keys: Value = serde_json::from_str(&run.stdout).unwrap();
    for secret in secrets(&cloud, &driver, &request) {
        assert!(!run.stderr.contains(&secret), "{}", run.stderr);
    }
    assert!(cloud.iam.issued(keys["AccessKeyId"].as_str().unwrap()).is_some());
}

#[tokio::test]
async fn no_error_holds_one_though_everything_is_logged() {
    let cloud = Cloud::start().await;
    let driver = cloud.driver().with("RUST_LOG", "trace");
    for (request, more) in [
        (with_token(publish("pod"), CANARY, "2001-01-01T00:00:00Z"), &["--role-arn", ROLE][..]),
        (
            with_token(publish("pod"), &format!("{CANARY}\n"), "2100-01-01T00:00:00Z"),
            &["--role-arn", ROLE],
        ),
        (
            with_token(
                publish("pod"),
                &format!("{CANARY}.{CANARY}.{CANARY}"),
                "2100-01-01T00:00:00Z",
            ),
            &["--role-arn", ROLE],
        ),
        (publish_with_keys("", CANARY), &[]),
        (publish_with_keys("AKIAIOSFODNN7EXAMPLE", &format!("{CANARY} #")), &[]),
        (publish(CANARY), &[]),
        (publish("driver"), &["--role-arn", CANARY]),
    ] {
        for run in [driver.provide(&request, more).await, driver.explain(&request, more).await] {
            assert_ne!(run.status, 0, "{}", run.stdout);
            run.keeps(CANARY);
        }
    }
}
