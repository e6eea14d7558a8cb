//! Output that is lost is a failure, whatever the command.

use std::fs::OpenOptions;
use std::process::{Command, Stdio};

use crate::driver::Driver;
use crate::requests::publish_with_keys;
use crate::run::Run;

fn onto_full_device(mut command: Command) -> Run {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    Run::new(&command.stdout(full).output().unwrap())
}

#[test]
fn every_command_fails_on_a_full_device() {
    let driver = Driver::new().with("AWS_REGION", "eu-north-1");
    let request = publish_with_keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI");
    let request = driver.file("request.json", &request.to_string());
    let config = driver.file("config.yaml", "version: 1\n");
    let write = driver.path("write").display().to_string();
    let state = driver.path("state").display().to_string();
    let of_request = ["--request", &request];
    let provide =
        [&["provide"][..], &of_request, &["--write-path", &write, "--state-path", &state]].concat();
    for arguments in [
        provide.clone(),
        [&provide[..], &["--output", "env"]].concat(),
        [&["explain"][..], &of_request].concat(),
        [&["explain", "--output", "json"][..], &of_request].concat(),
        [&["process"][..], &of_request].concat(),
        [&["region"][..], &of_request].concat(),
        [&["region", "--output", "json"][..], &of_request].concat(),
        [
            &["cleanup", "--output", "json"][..],
            &of_request,
            &["--write-path", &write, "--state-path", &state],
        ]
        .concat(),
        vec!["config", "default"],
        vec!["config", "schema"],
        vec!["config", "check", &config],
        vec!["config", "check", &config, "--output", "json"],
        vec!["--help"],
        vec!["provide", "--help"],
        vec!["--version"],
    ] {
        let run = onto_full_device(driver.command(&arguments));
        assert_eq!(run.status, 1, "{arguments:?}: {}", run.stderr);
        let lines: Vec<&str> = run.stderr.lines().collect();
        assert_eq!(lines.len(), 1, "{arguments:?}: {lines:?}");
        assert!(lines[0].contains("cannot write to standard output"), "{arguments:?}: {lines:?}");
    }
}

#[test]
fn a_failure_keeps_its_own_status_and_line() {
    let driver = Driver::new();
    let run =
        onto_full_device(driver.command(&["region", "--request", "absent", "--output", "json"]));
    assert_eq!(run.status, 2);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("invalid-request"), "{}", run.stderr);
}

#[test]
fn a_reader_that_has_read_enough_is_no_failure() {
    let driver = Driver::new();
    let mut command = driver.command(&["config", "schema"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
}
