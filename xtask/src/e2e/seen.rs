//! What a suite printed: how many checks passed and failed, and which versions it ran with.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::run::{Outcome, not_started, root, shown};

/// What the lines of a suite say.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    /// `moto 5.2.5`, in the order in which they were printed.
    pub(crate) versions: Vec<String>,
}

/// A suite prints this line with the programs that it runs.
const VERSIONS: &str = "versions: ";

impl Seen {
    /// Runs to the end, prints each line and counts its checks. A status other than 0 is an error.
    pub(crate) fn run(&mut self, command: &mut Command) -> Outcome {
        println!("$ {}", shown(command));
        let mut child = command
            .current_dir(root())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| not_started(command, &error))?;
        for line in child.stdout.take().into_iter().flat_map(|pipe| BufReader::new(pipe).lines()) {
            let line = line.map_err(|error| format!("cannot read the suite's output: {error}"))?;
            println!("{line}");
            self.line(&line);
        }
        let status = child.wait().map_err(|error| not_started(command, &error))?;
        if !status.success() {
            return Err(format!("`{}` failed: {status}", shown(command)));
        }
        if self.failed > 0 { Err(format!("{} checks failed", self.failed)) } else { Ok(()) }
    }

    /// A suite without a check is no proof.
    pub(crate) fn require_checks(&self) -> Outcome {
        if self.passed == 0 { Err("no check ran".to_owned()) } else { Ok(()) }
    }

    fn line(&mut self, line: &str) {
        if let Some(versions) = line.strip_prefix(VERSIONS) {
            self.versions.extend(versions.split(", ").map(str::to_owned));
        } else if line.starts_with("ok  ") || is_test(line, "ok") {
            self.passed += 1;
        } else if line.starts_with("FAIL ") || is_test(line, "FAILED") {
            self.failed += 1;
        }
    }
}

/// `test NAME ... ok`, as the test harness of Rust prints it.
fn is_test(line: &str, result: &str) -> bool {
    line.strip_prefix("test ")
        .and_then(|line| line.rsplit_once(" ... "))
        .is_some_and(|(_, end)| end == result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_and_versions_are_read_from_the_lines_of_a_suite() {
        let mut seen = Seen::default();
        for line in [
            "versions: moto 5.2.5, boto3 1.44.0",
            "ok   keys, first: boto3 reads",
            "test a::b ... ok",
            "test result: ok. 1 passed; 0 failed",
            "FAIL keys, first: the CLI reads",
            "test a::c ... FAILED",
            "okay",
        ] {
            seen.line(line);
        }
        assert_eq!((seen.passed, seen.failed), (2, 2));
        assert_eq!(seen.versions, ["moto 5.2.5", "boto3 1.44.0"]);
    }

    #[test]
    fn a_suite_without_a_check_fails() {
        assert!(Seen::default().require_checks().is_err());
    }
}
