//! A driver: its directories, its environment, and the services around it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use s3_credential_testkit::scratch::Scratch;
use serde_json::Value;

use crate::run::Run;

/// What no output may hold.
pub(crate) const CANARY: &str = "CANARYwJalrXUtnFEMI";

/// Starts with a write path, a state path, and no service to ask: no region, and no IMDS.
#[derive(Debug)]
pub(crate) struct Driver {
    scratch: Scratch,
    variables: BTreeMap<String, String>,
}

impl Driver {
    pub(crate) fn new() -> Self {
        let scratch = Scratch::new_in(env!("CARGO_TARGET_TMPDIR"), "contract").unwrap();
        scratch.directory("write").unwrap();
        Self { scratch, variables: BTreeMap::new() }.with("AWS_EC2_METADATA_DISABLED", "true")
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Writes a file beside the write path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        self.scratch.write(name, text).unwrap().to_str().unwrap().to_owned()
    }

    /// Returns the binary with only this driver's environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_s3cred"));
        command.env_clear().envs(&self.variables).current_dir(self.scratch.path()).args(arguments);
        command.stdin(Stdio::null());
        command
    }

    /// Runs it beside the emulators of this test.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Run {
        run(self.command(arguments)).await
    }

    /// Runs a command for a request.
    pub(crate) async fn ask(&self, command: &str, request: &Value, more: &[&str]) -> Run {
        let file = self.file("request.json", &request.to_string());
        let mut arguments = vec![command, "--request", &file];
        arguments.extend(more);
        self.run(&arguments).await
    }

    pub(crate) async fn provide(&self, request: &Value, more: &[&str]) -> Run {
        self.at_paths("provide", request, more).await
    }

    pub(crate) async fn cleanup(&self, request: &Value, more: &[&str]) -> Run {
        self.cleanup_in_lines(request, &[more, &["--output", "json"]].concat()).await
    }

    pub(crate) async fn cleanup_in_lines(&self, request: &Value, more: &[&str]) -> Run {
        self.at_paths("cleanup", request, more).await
    }

    pub(crate) async fn explain(&self, request: &Value, more: &[&str]) -> Run {
        let state = self.path("state");
        let mut all = vec!["--state-path", state.to_str().unwrap()];
        all.extend(more);
        self.ask("explain", request, &all).await
    }

    pub(crate) async fn doctor(&self, more: &[&str]) -> Run {
        let (write, state) = (self.path("write"), self.path("state"));
        let mut all = vec!["doctor", "--write-path", write.to_str().unwrap()];
        all.extend(["--state-path", state.to_str().unwrap()]);
        all.extend(more);
        self.run(&all).await
    }

    async fn at_paths(&self, command: &str, request: &Value, more: &[&str]) -> Run {
        let (write, state) = (self.path("write"), self.path("state"));
        let mut all = vec!["--write-path", write.to_str().unwrap()];
        all.extend(["--state-path", state.to_str().unwrap()]);
        all.extend(more);
        self.ask(command, request, &all).await
    }

    /// The entries of a directory, and of those in it; none if it is not there.
    pub(crate) fn entries(&self, name: &str) -> Vec<String> {
        let mut entries = Vec::new();
        let mut directories = vec![self.path(name)];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).into_iter().flatten() {
                let path = entry.unwrap().path();
                entries.push(path.strip_prefix(self.path(name)).unwrap().display().to_string());
                directories.extend(path.is_dir().then_some(path));
            }
        }
        entries.sort();
        entries
    }
}

pub(crate) async fn run(mut command: Command) -> Run {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    Run::new(&output)
}

/// The permission bits of a file, in octal.
pub(crate) fn mode(path: impl AsRef<Path>) -> String {
    format!("{:04o}", fs::metadata(path).unwrap().permissions().mode() & 0o7777)
}
