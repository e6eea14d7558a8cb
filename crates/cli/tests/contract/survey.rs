//! `s3cred leases`: the records of a state path, for an operator.

use std::fs;

use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::driver::{CANARY, Driver};
use crate::requests::{ROLE, publish, publish_with_keys, publish_with_tokens};
use crate::run::{Run, keys};

impl Driver {
    pub(crate) async fn survey(&self, command: &str, more: &[&str]) -> Run {
        let state = self.path("state");
        let mut all = vec![command, "--state-path", state.to_str().unwrap()];
        all.extend(more);
        self.run(&all).await
    }
}

#[tokio::test]
async fn leases_lists_what_is_mounted_as_whom_and_until_when() {
    let cloud = Cloud::start().await;
    let driver = cloud.driver();
    let provided =
        driver.provide(&publish_with_tokens(&cloud.issuer), &["--role-arn", ROLE]).await.object();
    let before = driver.entries("state");

    let listed = driver.survey("leases", &["--output", "json"]).await.public_object();
    assert_eq!(keys(&listed), ["leases", "unreadable"].into());
    let lease = &listed["leases"][0];
    assert_eq!(
        (&lease["volumeId"], &lease["authenticationLevel"], &lease["credentialSource"]),
        (&json!("photos"), &json!("pod"), &json!("pod-token"))
    );
    assert_eq!((&lease["roleArn"], &lease["phase"]), (&json!(ROLE), &json!("live")));
    assert_eq!(lease["pod"]["namespace"], "apps");
    assert_eq!(lease["holders"].as_array().unwrap().len(), 1);
    for name in ["delivery", "expiresAt", "refreshAt", "region"] {
        assert_eq!(lease[name], provided[name], "{name}");
    }
    assert_eq!(lease["lastFailure"], Value::Null);

    let page = driver.survey("leases", &[]).await;
    assert_eq!(page.ok().lines().count(), 2, "{}", page.stdout);
    for part in ["photos", "apps/web", "pod-token", ROLE, "ok"] {
        assert!(page.stdout.contains(part), "{part}: {}", page.stdout);
    }
    assert_eq!(driver.entries("state"), before, "no file is written");
}

#[tokio::test]
async fn leases_says_why_the_last_refresh_failed_until_one_succeeds() {
    let cloud = Cloud::start().await;
    let driver = cloud.driver_with_role();
    let request = publish("driver");
    driver.provide(&request, &[]).await.object();
    let token = driver.path("web-identity-token");
    let content = fs::read(&token).unwrap();
    fs::remove_file(&token).unwrap();
    let failed = driver.provide(&request, &[]).await.error();
    failed.is("unavailable", "UNAVAILABLE", 5);

    let listed = driver.survey("leases", &["--output", "json"]).await.public_object();
    let failure = &listed["leases"][0]["lastFailure"];
    assert_eq!(keys(failure), ["since", "kind", "message", "help"].into());
    assert!(failure["message"].as_str().unwrap().contains("AWS_WEB_IDENTITY_TOKEN_FILE"));
    let page = driver.survey("leases", &[]).await;
    assert!(page.ok().contains("failing") && page.ok().contains("since 2"), "{}", page.stdout);

    fs::write(&token, content).unwrap();
    driver.provide(&request, &[]).await.object();
    let listed = driver.survey("leases", &["--output", "json"]).await.public_object();
    assert_eq!(listed["leases"][0]["lastFailure"], Value::Null);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_named_and_hides_no_other() {
    let driver = Driver::new();
    driver.provide(&publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY), &[]).await.public_object();
    fs::write(driver.path("state").join("s3cred@newer"), "{\"version\":2}\n").unwrap();
    for command in ["leases", "audit"] {
        let (object, failure) =
            driver.survey(command, &["--output", "json"]).await.object_with_error();
        failure.is("file-system", "FAILED_PRECONDITION", 3).says("cannot read 1 record");
        assert_eq!(object["unreadable"][0]["record"], "s3cred@newer");
        let list = if command == "leases" { "leases" } else { "volumes" };
        assert_eq!(object[list].as_array().unwrap().len(), 1);
        let page = driver.survey(command, &[]).await;
        assert_eq!(page.status, 3);
        assert!(page.stdout.contains("photos") && page.stderr.contains("s3cred@newer"));
        page.keeps(CANARY);
    }
}

#[tokio::test]
async fn a_state_path_that_is_missing_has_no_leases_and_stays_missing() {
    let driver = Driver::new();
    let listed = driver.survey("leases", &["--output", "json"]).await.public_object();
    assert_eq!(listed, json!({"leases": [], "unreadable": []}));
    assert_eq!(driver.survey("leases", &[]).await.ok(), "no leases\n");
    assert_eq!(driver.survey("audit", &[]).await.ok(), "no volumes\n");
    assert!(!driver.path("state").exists());
}

#[tokio::test]
async fn the_state_path_of_the_configuration_is_read() {
    let driver = Driver::new();
    driver.provide(&publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY), &[]).await.public_object();
    let config =
        driver.file("config.yaml", &format!("statePath: {}\n", driver.path("state").display()));
    let run = driver.run(&["leases", "--config", &config, "--output", "json"]).await;
    assert_eq!(run.public_object()["leases"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn control_characters_of_a_volume_reach_no_terminal() {
    let driver = Driver::new();
    let mut request = publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY);
    request["volumeId"] = json!("a\u{1b}[31mb");
    driver.provide(&request, &[]).await.public_object();
    for command in ["leases", "audit"] {
        let page = driver.survey(command, &[]).await;
        assert!(!page.ok().contains('\u{1b}'), "{}", page.stdout);
    }
}
