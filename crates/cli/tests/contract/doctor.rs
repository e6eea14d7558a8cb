//! `doctor`: what it prints, and its exit status.

use serde_json::{Value, json};

use crate::cloud::{AGENT, Cloud};
use crate::driver::{CANARY, Driver};
use crate::requests::ROLE;
use crate::run::keys;

/// The checks of any machine, in their order.
const NAMES: [&str; 14] = [
    "environment",
    "region",
    "imds",
    "sts",
    "pod-identity-agent",
    "kubernetes",
    "rbac get serviceaccounts",
    "rbac watch serviceaccounts",
    "rbac create serviceaccounts/token",
    "rbac get nodes",
    "clock",
    "write-path",
    "state-path",
    "openat2",
];

/// On a busy machine a second may pass although every service answers.
const PATIENT: &str = "services: {imds: {timeout: 4s}}";

/// The check of this name, in an object that has what every one has.
pub(crate) fn check<'a>(object: &'a Value, name: &str) -> &'a Value {
    let checks = object["checks"].as_array().unwrap();
    let names: Vec<_> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, NAMES);
    for check in checks {
        assert_eq!(keys(check), ["name", "status", "reason", "help", "durationMs"].into());
        assert!(
            ["ok", "warning", "failed", "skipped"].contains(&check["status"].as_str().unwrap())
        );
        assert!(!check["reason"].as_str().unwrap().is_empty(), "{check}");
        assert!(check["help"].is_null() || check["help"].is_string(), "{check}");
        assert!(check["durationMs"].as_f64().unwrap() >= 0.0);
    }
    checks.iter().find(|check| check["name"] == name).unwrap()
}

#[track_caller]
pub(crate) fn stands(object: &Value, name: &str, status: &str, reason: &str) {
    let check = check(object, name);
    assert_eq!(check["status"], status, "{check}");
    assert!(check["reason"].as_str().unwrap().contains(reason), "{check}");
}

#[tokio::test]
async fn a_healthy_machine_is_reported_as_such_and_left_unchanged() {
    let cloud = Cloud::start().await;
    let driver = cloud.driver_with_role().with(AGENT, &cloud.agent.credentials_url());
    let object = driver.doctor(&["--output", "json"]).await.public_object();
    assert_eq!(keys(&object), ["checks", "roles"].into());
    assert_eq!(object["roles"], Value::Null);
    stands(&object, "environment", "ok", "irsa (web-identity, arn:aws:iam::");
    stands(&object, "region", "ok", "eu-north-1");
    stands(&object, "imds", "ok", "region eu-north-1");
    stands(&object, "sts", "ok", &cloud.sts.url());
    stands(&object, "pod-identity-agent", "ok", &cloud.agent.credentials_url());
    stands(&object, "kubernetes", "skipped", "KUBECONFIG");
    stands(&object, "clock", "ok", "STS");
    stands(&object, "state-path", "ok", "can be made");
    // The chain of the driver level is asked as a volume would ask it: IMDS for the document of the
    // node's role.
    assert!(cloud.iam.all_issued().len() <= 1, "no role is assumed");
    assert_eq!(driver.entries("write"), [""; 0]);
    assert!(!driver.path("state").exists());
}

#[tokio::test]
async fn without_any_service_no_check_fails() {
    let driver = Driver::new();
    let object = driver.doctor(&["--output", "json"]).await.public_object();
    stands(&object, "environment", "warning", "AWS_ROLE_ARN");
    stands(&object, "region", "warning", "no AWS region is known");
    stands(&object, "imds", "skipped", "AWS_EC2_METADATA_DISABLED");
    stands(&object, "sts", "skipped", "no region");
    stands(&object, "clock", "skipped", "");
    let object = driver.run(&["doctor", "--output", "json", "--state-path", ""]).await.object();
    stands(&object, "write-path", "skipped", "--write-path");
}

#[tokio::test]
async fn what_is_wrong_is_reported_with_what_to_do_and_makes_the_status_3() {
    let cloud = Cloud::start().await;
    cloud.imds.set_hop_limit_reached(true);
    let driver = cloud.driver().with("AWS_ROLE_ARN", ROLE).with(AGENT, "http://127.0.0.1:9/v1");
    cloud.sts.stop().await;
    let state = driver.path("state");
    let driver = driver.with("AWS_REGION", "eu-north-1");
    let config = driver.file("config.yaml", PATIENT);
    let state = ["--state-path", state.to_str().unwrap()];
    let arguments =
        [&["doctor", "--write-path", "nowhere", "--config", &config], &state[..]].concat();
    let run = driver.run(&[&arguments[..], &["--output", "json"]].concat()).await;
    let (object, failure) = run.object_with_error();
    failure
        .is("misconfigured", "FAILED_PRECONDITION", 3)
        .says("environment, imds, sts, write-path");
    assert_eq!(keys(&object), ["checks", "roles", "error"].into());
    let help = |name: &str| check(&object, name)["help"].as_str().unwrap().to_owned();
    stands(&object, "environment", "failed", "AWS_WEB_IDENTITY_TOKEN_FILE");
    assert!(help("environment").contains("AWS_WEB_IDENTITY_TOKEN_FILE"));
    stands(&object, "imds", "failed", "hop limit");
    assert!(help("imds").contains("hop limit"));
    stands(&object, "sts", "failed", &cloud.sts.url());
    stands(&object, "pod-identity-agent", "warning", "http://127.0.0.1:9");
    stands(&object, "write-path", "failed", "nowhere");

    let lines = driver.run(&arguments).await;
    lines.reports(&failure);
    let has = |line: &str| lines.stdout.lines().any(|it| it.starts_with(line));
    assert!(has("failed   imds ") && has("skipped  kubernetes "), "{}", lines.stdout);
    assert!(lines.stdout.contains(&format!("  help: {}\n", help("imds"))), "{}", lines.stdout);
}

#[tokio::test]
async fn a_configuration_that_cannot_be_used_is_an_error_as_everywhere() {
    let driver = Driver::new();
    let config = driver.file("config.yaml", "chains: {driver: [imsd]}");
    let failure = driver.doctor(&["--output", "json", "--config", &config]).await.error();
    failure.is("invalid-configuration", "INVALID_ARGUMENT", 2).says("imsd");
}

#[tokio::test]
async fn no_secret_is_in_a_diagnosis() {
    let cloud = Cloud::start().await;
    let token = cloud.driver_with_role().file("token", CANARY);
    let proxy = format!("http://user:{CANARY}@127.0.0.1:9");
    let wrong = format!("http://127.0.0.1:9/{CANARY}");
    let kubeconfig = |driver: &Driver| {
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:9"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": {"token": CANARY}}],
        });
        driver.file("kubeconfig", &config.to_string())
    };
    let keys = || cloud.driver_with_keys().with("AWS_SESSION_TOKEN", CANARY);
    for driver in [
        keys(),
        keys().without("AWS_ACCESS_KEY_ID"),
        cloud.driver_with_role().with("HTTPS_PROXY", &proxy),
        cloud.driver_with_association(),
        cloud.driver().with("AWS_ROLE_ARN", ROLE).with("AWS_WEB_IDENTITY_TOKEN_FILE", &token),
        cloud.driver().with("AWS_ROLE_ARN", CANARY),
        cloud.driver().with("AWS_CONTAINER_CREDENTIALS_FULL_URI", &wrong),
        cloud.driver().with(AGENT, &format!("{wrong}\n")),
        cloud.driver().with("AWS_ENDPOINT_URL_STS", &proxy.replace("http:", "https:")),
    ] {
        let config = kubeconfig(&driver);
        let driver = driver.with("KUBECONFIG", &config).with("RUST_LOG", "trace");
        let mut secrets = vec![CANARY.to_owned()];
        for name in ["web-identity-token", "eks-pod-identity-token"] {
            secrets.extend(std::fs::read_to_string(driver.path(name)));
        }
        secrets.extend(
            cloud.iam.all_issued().iter().map(|it| it.secret_access_key.expose().to_owned()),
        );
        for output in ["text", "json"] {
            let run = driver.doctor(&["--output", output]).await;
            assert!(run.stdout.contains("rbac get serviceaccounts"), "{}", run.stderr);
            for secret in &secrets {
                run.keeps(secret);
            }
        }
    }
}
