//! `s3cred demo`, as a newcomer and as a script run it.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use s3_credential_testkit::scratch::Scratch;
use serde_json::Value;

/// The binary with an empty environment, but for its directory for temporary files.
fn demo(scratch: &Scratch, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_s3cred"));
    command.env_clear().env("TMPDIR", scratch.path()).arg("demo").args(arguments);
    command
}

fn scratch() -> Scratch {
    Scratch::new_in(env!("CARGO_TARGET_TMPDIR"), "demo").unwrap()
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// The one object on stdout of a demo in which everything went well.
fn report() -> Value {
    let scratch = scratch();
    let output = demo(&scratch, &["--output", "json"]).output().unwrap();
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""), "{}", stdout(&output));
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0, "its directory is gone");
    serde_json::from_str(stdout(&output)).unwrap()
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|value| value.as_str().unwrap()).collect()
}

#[test]
fn every_volume_gets_its_credentials_from_its_own_source() {
    let report = report();
    assert_eq!(report["failures"], serde_json::json!([]));
    assert!(report["checks"].as_u64().unwrap() > 100);
    let rows: Vec<_> = report["volumes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|volume| {
            let published = &volume["published"];
            let region = &volume["region"]["region"];
            assert_eq!(published["region"], *region);
            [
                &volume["volume"],
                &published["authenticationLevel"],
                &published["credentialSource"],
                &published["form"],
                &published["delivery"],
                &region["resolver"],
            ]
            .map(|value| value.as_str().unwrap())
            .join(" ")
        })
        .collect();
    assert_eq!(
        rows,
        [
            "driver-irsa driver irsa web-identity delegated environment",
            "driver-pod-identity driver pod-identity container delegated imds",
            "driver-secret driver secret-environment keys profile mount-options",
            "driver-instance-profile driver imds instance-profile none imds",
            "pod-web-identity pod pod-token web-identity delegated volume-context",
            "pod-pod-identity pod pod-identity container delegated environment",
            "secret-keys secret secret-request keys profile mount-options",
        ]
    );
}

#[test]
fn every_volume_has_working_keys_then_newer_ones_and_then_none() {
    let report = report();
    let write_path = Path::new(report["writePath"].as_str().unwrap());
    for volume in report["volumes"].as_array().unwrap() {
        let files: BTreeSet<&str> = volume["published"]["files"]
            .as_array()
            .unwrap()
            .iter()
            .map(|file| {
                assert_eq!(file["mode"], "0640", "{volume}");
                file["path"].as_str().unwrap()
            })
            .collect();
        assert!(files.iter().all(|file| Path::new(file).starts_with(write_path)), "{volume}");
        assert_eq!(files.is_empty(), volume["published"]["delivery"] == "none", "{volume}");

        let republished = &volume["republished"];
        let replaced = strings(&republished["replaced"]);
        assert_eq!(replaced.is_empty(), files.is_empty(), "{volume}");
        assert!(replaced.iter().all(|path| files.contains(path)), "{volume}");
        assert_eq!(republished["identityChanged"], false, "{volume}");
        assert_eq!(strings(&republished["holders"]).len(), 1, "{volume}");
        let account = |exchanged: &Value| {
            let caller = exchanged["caller"].as_str().unwrap().to_owned();
            caller.rsplit_once(':').unwrap().1.split('/').take(2).collect::<Vec<_>>().join("/")
        };
        assert_eq!(account(&volume["exchanged"]), account(&republished["exchanged"]), "{volume}");

        let unpublished = &volume["unpublished"];
        let removed = strings(&unpublished["removed"]);
        assert!(files.iter().all(|file| removed.contains(file)), "{volume}");
        assert_eq!(unpublished["remainingHolders"], 0, "{volume}");
        assert_eq!(unpublished["leftBehind"], serde_json::json!([]), "{volume}");
    }
    assert!(!write_path.exists());
}

#[test]
fn a_volume_without_a_role_is_refused_with_what_to_do() {
    let report = report();
    let refused = &report["failingVolume"];
    let error = &refused["error"];
    assert_eq!(
        (&error["kind"], &error["code"]),
        (&"no-source-applies".into(), &"FAILED_PRECONDITION".into())
    );
    assert!(error["help"].as_str().unwrap().contains("eks.amazonaws.com/role-arn"), "{error}");
    let asked = error["attempts"].as_array().unwrap().iter();
    let asked: Vec<_> =
        asked.map(|attempt| (attempt["source"].as_str(), attempt["outcome"].as_str())).collect();
    let not_applicable = |source| (Some(source), Some("not-applicable"));
    assert_eq!(asked, [not_applicable("pod-token"), not_applicable("pod-identity")]);
    assert_eq!(refused["leftBehind"], serde_json::json!([]));
}

#[test]
fn a_person_reads_lines_without_colours_where_there_is_no_terminal() {
    let scratch = scratch();
    let output = demo(&scratch, &[]).output().unwrap();
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""), "{}", stdout(&output));
    let page = stdout(&output);
    assert!(!page.contains('\x1b'));
    for expected in [
        "irsa                not-applicable",
        "eu-west-1 (from volume-context)",
        "AWS_WEB_IDENTITY_TOKEN_FILE=$WRITE_PATH/",
        "0640 $WRITE_PATH/",
        "$WRITE_PATH is empty",
        "FAILED_PRECONDITION: no credential source applies: pod-token: ",
        "every step did what it should",
    ] {
        assert!(page.contains(expected), "{expected}\n{page}");
    }
}

/// The demo uses no variable of its process's environment, and neither the log nor the report shows
/// a secret.
#[test]
fn no_credential_of_the_caller_and_none_of_the_demo_is_used_or_shown() {
    let scratch = scratch();
    let nowhere = "http://CANARY:CANARY@127.0.0.1:1";
    let hostile = [
        ("AWS_ACCESS_KEY_ID", "AKIACANARY"),
        ("AWS_SECRET_ACCESS_KEY", "CANARY"),
        ("AWS_SESSION_TOKEN", "CANARY"),
        ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/CANARY"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "CANARY"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", nowhere),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "CANARY"),
        ("EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI", nowhere),
        ("AWS_REGION", "CANARY"),
        ("AWS_PROFILE", "CANARY"),
        ("AWS_CONFIG_FILE", "CANARY"),
        ("AWS_ENDPOINT_URL", nowhere),
        ("AWS_ENDPOINT_URL_STS", nowhere),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", nowhere),
        ("HTTPS_PROXY", nowhere),
        ("HTTP_PROXY", nowhere),
        ("KUBECONFIG", "CANARY"),
        ("RUST_LOG", "trace"),
    ];
    for format in ["json", "text"] {
        let output = demo(&scratch, &["--output", format]).envs(hostile).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
        assert!(stderr(&output).contains("credentials provided"), "the log is on");
        for text in [stdout(&output), stderr(&output)] {
            assert!(!text.contains("CANARY"), "{text}");
            assert!(!text.contains("eyJ"), "a JSON web token: {text}");
            assert!(!text.contains("IQoJb3JpZ2lu"), "a session token: {text}");
            for prefix in ["AKIA", "ASIA"] {
                assert!(!text.contains(prefix), "an access key id: {text}");
            }
        }
    }
}

#[test]
fn a_demo_that_cannot_start_fails_with_one_object_and_one_line() {
    let scratch = scratch();
    let mut command = demo(&scratch, &["--output", "json"]);
    let output = command.env("TMPDIR", scratch.path().join("missing")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!(report["error"]["kind"], "internal");
    assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
    assert!(stderr(&output).contains("TMPDIR"), "{}", stderr(&output));
}
