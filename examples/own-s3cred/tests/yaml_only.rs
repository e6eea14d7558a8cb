//! A third party's source is used only by its name in a configuration file.
#![allow(clippy::unwrap_used, reason = "test code: what should not happen stops the test")]

use std::fs;
use std::process::{Command, Output};

use s3_credential_testkit::scratch::Scratch;
use serde_json::{Value, json};

const CANARY: &str = "CANARYwJalrXUtnFEMI";

/// A driver with a configuration that names the source.
struct World(Scratch);

impl World {
    fn new(config: &str) -> Self {
        let scratch = Scratch::new_in(env!("CARGO_TARGET_TMPDIR"), "yaml-only").unwrap();
        let printed = json!({ "Version": 1, "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": CANARY });
        let printed = scratch.write("printed", &printed.to_string()).unwrap();
        scratch.directory("write").unwrap();
        let config = config.replace("PRINTED", printed.to_str().unwrap());
        scratch.write("config.yaml", &config).unwrap();
        Self(scratch)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_own-s3cred"))
            .env_clear()
            .env("AWS_REGION", "eu-north-1")
            .current_dir(self.0.path())
            .args(arguments)
            .output()
            .unwrap()
    }

    fn ask(&self, command: &str, bucket: &str, more: &[&str]) -> (Option<i32>, Value) {
        let target = "/var/lib/kubelet/pods/uid/volumes/kubernetes.io~csi/pv/mount";
        let request = json!({ "volumeId": "v", "targetPath": target, "volumeContext": { "bucketName": bucket } });
        self.0.write("request.json", &request.to_string()).unwrap();
        let common = [
            "--request",
            "request.json",
            "--config",
            "config.yaml",
            "--state-path",
            "state",
            "--output",
            "json",
        ];
        let output = self.run(&[&[command], &common[..], more].concat());
        assert!(!String::from_utf8_lossy(&output.stdout).contains(CANARY));
        assert!(!String::from_utf8_lossy(&output.stderr).contains(CANARY));
        (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
    }
}

const CONFIG: &str = "
chains:
  driver: [archive, photos]
sources:
  archive: {type: process, command: [/bin/false], buckets: [archive]}
  photos: {type: process, command: [/bin/cat, PRINTED], buckets: [photos]}
";

#[test]
fn a_source_that_is_named_in_yaml_serves_a_volume_under_the_name_it_has_there() {
    let world = World::new(CONFIG);
    let (status, provided) = world.ask("provide", "photos", &["--write-path", "write"]);
    assert_eq!(status, Some(0), "{provided}");
    assert_eq!(provided["credentialSource"], "photos");
    assert_eq!(provided["attempts"][0]["source"], "archive");
    assert_eq!(provided["attempts"][0]["outcome"], "not-applicable");
    assert_eq!(provided["delivery"], "profile");
    let file = provided["environment"]["AWS_SHARED_CREDENTIALS_FILE"].as_str().unwrap();
    assert!(fs::read_to_string(file).unwrap().contains(CANARY));
}

#[test]
fn a_source_that_breaks_stops_the_chain_as_any_does() {
    let (status, answer) = World::new(CONFIG).ask("explain", "archive", &[]);
    assert_eq!(status, Some(5));
    assert_eq!(answer["error"]["kind"], "unavailable");
    assert_eq!(answer["error"]["attempts"][1]["outcome"], "not-tried");
}

#[test]
fn the_settings_of_a_third_party_are_checked_with_line_and_column() {
    let world = World::new(
        "chains: {driver: [photos]}\nsources:\n  photos: {type: process, comand: [/bin/cat]}\n",
    );
    let output = world.run(&["config", "check", "config.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(
        report.contains("config.yaml:3:27: error: there is no key `comand` here\n"),
        "{report}"
    );
    assert!(report.contains("did you mean `command`?"), "{report}");
    assert!(report.contains("config.yaml:3:3: error: `command` is missing\n"), "{report}");
}

#[test]
fn the_settings_of_a_third_party_are_in_the_printed_schema() {
    let output = World::new("").run(&["config", "schema"]);
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    let process = &schema["$defs"]["source-process"];
    assert_eq!(
        process["properties"]["command"]["description"],
        "The program, and its arguments. It gets no environment."
    );
    assert_eq!(process["required"], json!(["command"]));
}
