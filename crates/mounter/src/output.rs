//! What a Mountpoint process prints: whether it is ready, and its last lines.

use std::collections::VecDeque;

use zeroize::Zeroizing;

use crate::message::Variables;

/// How much is kept, in bytes.
const KEPT: usize = 4 << 10;

/// What Mountpoint prints in the foreground once its file system is ready.
const READY: &str = "is mounted at";

/// The end of a process's output.
#[derive(Debug, Default)]
pub(crate) struct Output {
    lines: VecDeque<String>,
    len: usize,
    /// Values of the process's variables that no line shows.
    secrets: Vec<Zeroizing<String>>,
}

/// The variables whose values are secret.
const SECRETS: &[&str] =
    &["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"];

impl Output {
    /// Returns the empty output of a process with these variables.
    pub(crate) fn new(variables: &Variables) -> Self {
        let variables = variables.0.iter().filter_map(|variable| variable.split_once('='));
        let secrets = variables
            .filter(|(name, value)| SECRETS.contains(name) && !value.is_empty())
            .map(|(_, value)| Zeroizing::new(value.to_owned()))
            .collect();
        Self { secrets, ..Self::default() }
    }

    /// Returns a line without control characters and secrets.
    pub(crate) fn clean(&self, line: &str) -> String {
        let line: String = line.chars().filter(|c| !c.is_control()).take(KEPT).collect();
        self.secrets.iter().fold(line, |line, secret| line.replace(secret.as_str(), "<redacted>"))
    }

    /// Takes a clean line, and returns whether it says that the file system is ready.
    pub(crate) fn push(&mut self, line: String) -> bool {
        let is_ready = line.contains(READY);
        self.len += line.len();
        self.lines.push_back(line);
        while self.len > KEPT && self.lines.len() > 1 {
            self.len -= self.lines.pop_front().map_or(0, |line| line.len());
        }
        is_ready
    }

    /// Returns the last lines.
    pub(crate) fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_is_seen_and_the_end_is_kept() {
        let mut output = Output::default();
        assert!(!output.push("starting".to_owned()));
        assert!(output.push("bucket b is mounted at /dev/fd/3".to_owned()));
        for number in 0..1_000 {
            output.push(format!("line {number}"));
        }
        assert!(output.text().ends_with("line 999\n"));
        assert!(output.text().len() <= KEPT + 1_000);
    }

    #[test]
    fn a_secret_of_the_environment_is_in_no_line() {
        let variables = ["AWS_SECRET_ACCESS_KEY=canary", "AWS_SESSION_TOKEN=", "AWS_REGION=r"];
        let output = Output::new(&Variables(variables.map(str::to_owned).to_vec()));
        assert_eq!(output.clean("key canary\u{1b}, region r"), "key <redacted>, region r");
    }
}
