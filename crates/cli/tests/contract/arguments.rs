//! Bad usage, help and version.

use std::process::{Command, Stdio};

use s3_credential_core::{Code, ErrorKind};

use crate::driver::{Driver, run};
use crate::requests::publish;

#[tokio::test]
async fn bad_usage_exits_2_without_stdout() {
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
        &["leases", "--request", &request],
        &["audit", "--output", "yaml"],
        &["completions"],
        &["completions", "command.com"],
    ] {
        let run = driver.run(arguments).await;
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(run.stderr.contains("--help"), "{arguments:?}: {}", run.stderr);
    }
    assert_eq!(driver.entries("write"), [""; 0]);
}

/// Every command, as its help is asked for.
const COMMANDS: [&[&str]; 16] = [
    &["provide"],
    &["cleanup"],
    &["region"],
    &["explain"],
    &["process"],
    &["serve"],
    &["config"],
    &["config", "check"],
    &["config", "schema"],
    &["config", "default"],
    &["doctor"],
    &["leases"],
    &["audit"],
    &["completions"],
    &["man"],
    &["demo"],
];

/// The exit status of the contract.
fn status(code: Code) -> u8 {
    match code {
        Code::InvalidArgument => 2,
        Code::FailedPrecondition | Code::NotFound => 3,
        Code::PermissionDenied | Code::Unauthenticated => 4,
        Code::Unavailable | Code::Aborted | Code::ResourceExhausted | Code::DeadlineExceeded => 5,
        Code::Internal => 1,
        other => panic!("{other} is new: what is its exit status?"),
    }
}

#[tokio::test]
async fn help_lists_every_kind_of_error_with_its_code_and_status() {
    let run = Driver::new().run(&["--help"]).await;
    for kind in ErrorKind::ALL {
        let code = kind.code();
        let line = format!("\n  {kind} ({code}, {}", status(code));
        assert!(run.ok().contains(&line), "{kind}");
    }
}

#[tokio::test]
async fn the_documentation_lists_every_kind_of_error() {
    let page = include_str!("../../../../docs/errors.md");
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let expected: Vec<_> = ErrorKind::ALL
        .iter()
        .map(|kind| {
            let (code, retryable) = (kind.code(), if kind.is_retryable() { "yes" } else { "no" });
            format!(
                "| `{kind}` | {code} | {} | {retryable} | {} | {} |",
                status(code),
                kind.description(),
                kind.advice()
            )
        })
        .collect();
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn every_command_describes_its_output_and_its_usage() {
    let overview = Driver::new().run(&["--help"]).await;
    for title in ["Exit status:", "Errors:", "Environment:", "Files:", "Examples:"] {
        assert!(overview.ok().contains(&format!("\n{title}\n")), "{title}");
    }
    let readme = include_str!("../../../../README.md");
    for command in COMMANDS {
        let run = Driver::new().run(&[command, &["--help"]].concat()).await;
        assert!(run.ok().contains(&format!("Usage: s3cred {}", command.join(" "))));
        assert!(run.ok().lines().all(|line| line.len() <= 100), "{}", run.ok());
        let is_plain = [&["config"][..], &["config", "schema"], &["config", "default"]];
        if let [name] = command {
            assert!(overview.ok().contains(&format!("\n  {name} ")), "{name}");
            assert!(readme.contains(&format!("s3cred {name}")), "the README lacks {name}");
        }
        if !is_plain.contains(&command) {
            for title in ["Output:", "Examples:"] {
                assert!(run.ok().contains(&format!("\n{title}\n")), "{command:?}: {title}");
            }
        }
    }
}

#[tokio::test]
async fn the_version_is_printed() {
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
