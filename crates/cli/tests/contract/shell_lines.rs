//! `--output env`, as a shell reads it, and what is masked.

use std::process::{Command, Stdio};

use crate::driver::{CANARY, Driver, run};
use crate::requests::publish_with_keys;

#[tokio::test]
async fn a_shell_reads_back_what_json_says() {
    let driver = Driver::new()
        .with("AWS_REGION", "eu-north-1")
        .with("HTTPS_PROXY", "http://it's a \"$HOME\" `id`\\");
    let request = publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY);
    let object = driver.provide(&request, &[]).await.public_object();
    let lines = driver.provide(&request, &["--output", "env"]).await;
    lines.keeps(CANARY);
    let mut shell = Command::new("sh");
    let script = format!("set -a\n{}/usr/bin/env -0", lines.ok());
    shell.env_clear().args(["-c", &script]).stdin(Stdio::null());
    let read = run(shell).await;
    let variables = object["environment"].as_object().unwrap();
    assert!(variables.contains_key("HTTPS_PROXY"));
    for (name, value) in variables {
        let line = format!("{name}={}", value.as_str().unwrap());
        assert!(
            read.stdout.split('\0').any(|read| read == line),
            "{line} is not in {}",
            read.stdout
        );
    }
    assert_eq!(lines.ok().lines().count(), variables.len());
}

#[tokio::test]
async fn plain_keys_are_masked_unless_they_are_to_be_revealed() {
    let request = publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY);
    let plain = ["--delivery", "environment"];
    let driver = Driver::new();
    for output in ["json", "env"] {
        let masked = driver.provide(&request, &[&plain[..], &["--output", output]].concat()).await;
        masked.keeps(CANARY);
        masked.keeps("AKIAIOSFODNN7EXAMPLE");
        assert!(masked.ok().contains("AWS_SECRET_ACCESS_KEY"));

        let reveal = [&plain[..], &["--reveal", "--output", output]].concat();
        let revealed = driver.provide(&request, &reveal).await;
        assert!(revealed.ok().contains(CANARY) && revealed.ok().contains("AKIAIOSFODNN7EXAMPLE"));
    }
    let object = driver.provide(&request, &plain).await.object();
    assert_eq!(
        (object["delivery"].as_str(), object["files"].as_array().unwrap().len()),
        (Some("environment"), 0)
    );
    assert_eq!(driver.entries("write"), [""; 0]);
}

#[tokio::test]
async fn with_shell_lines_a_failure_has_only_its_line() {
    let run = Driver::new().provide(&publish_with_keys("", ""), &["--output", "env"]).await;
    assert_eq!((run.status, run.stdout.as_str()), (3, ""));
    assert!(run.stderr.starts_with("s3cred: no-source-applies: "));
    assert_eq!(run.stderr.matches('\n').count(), 1);
}

#[tokio::test]
async fn an_explanation_never_reveals_keys() {
    let request = publish_with_keys("AKIAIOSFODNN7EXAMPLE", CANARY);
    for more in [
        &["--delivery", "environment", "--reveal"][..],
        &["--delivery", "environment", "--output", "json"],
    ] {
        let run = Driver::new().explain(&request, more).await;
        run.keeps(CANARY);
        run.keeps("AKIAIOSFODNN7EXAMPLE");
        assert!(run.ok().contains("AWS_SECRET_ACCESS_KEY"));
    }
}
