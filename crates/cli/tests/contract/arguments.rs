//! Bad usage, help and version.

use std::process::{Command, Stdio};

use s3_credential_core::ErrorKind;

use crate::driver::{Driver, run};
use crate::requests::publish;

#[tokio::test]
async fn bad_usage_exits_2_with_nothing_on_stdout() {
    let driver = Driver::new();
    let request = driver.file("request.json", &publish("driver").to_string());
    let write = driver.path("write");
    let write = write.to_str().unwrap();
    for arguments in [
        &[][..],
        &["publish"],
        &["provide"],
        &["provide", "--request", &request],
        &["provide", "--write-path", write],
        &["provide", "--request", &request, "--write-path", write, "--unheard-of"],
        &["provide", "--request", &request, "--write-path", write, "--output", "yaml"],
        &["provide", "--request", &request, "--write-path", write, "--mount-kind", "daemonset"],
        &["provide", "--request", &request, "--write-path", write, "--delivery", "post"],
        &["provide", "--request", &request, "--write-path", write, "--mounted", "perhaps"],
        &["provide", "--request", &request, "--write-path", write, "--consumer", "browser"],
        &["cleanup", "--request", &request],
        &["cleanup", "--request", &request, "--write-path", write, "--output", "env"],
        &["explain", "--request", &request, "--write-path", write],
        &["region", "--request", &request, "--state-path", write],
        &["process", "--request", &request, "--output", "json"],
    ] {
        let run = driver.run(arguments).await;
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(run.stderr.contains("--help"), "{arguments:?}: {}", run.stderr);
    }
    assert_eq!(driver.entries("write"), [""; 0]);
}

#[tokio::test]
async fn help_lists_every_kind_of_error() {
    let run = Driver::new().run(&["--help"]).await;
    for kind in ErrorKind::ALL {
        assert!(run.ok().contains(kind.as_str()), "{kind}");
    }
    for command in ["provide", "cleanup", "region", "explain", "process", "serve", "config", "demo"]
    {
        assert!(run.ok().contains(&format!("\n  {command} ")), "{command}");
        Driver::new().run(&[command, "--help"]).await.ok();
    }
}

#[tokio::test]
async fn the_version_is_told() {
    let run = Driver::new().run(&["--version"]).await;
    assert_eq!(run.ok(), format!("s3cred {}\n", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn a_reader_that_is_gone_is_no_failure() {
    let driver = Driver::new();
    let mut command = Command::new("sh");
    command.args(["-c", "\"$0\" --help | true"]).arg(env!("CARGO_BIN_EXE_s3cred"));
    command.env_clear().stdin(Stdio::null());
    assert_eq!(run(command).await.stderr, "");
    drop(driver);
}
