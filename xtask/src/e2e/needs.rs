//! What a suite needs of the machine. What is missing is a failure with its remedy, never a suite
//! that is left out.

use std::path::Path;

use crate::run::Outcome;

/// Something that a suite cannot do without.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Need {
    /// A program on the PATH, and the Debian package that has it.
    Program(&'static str, &'static str),
    /// A file of the machine, and how to get it.
    File(&'static str, &'static str),
    Root,
}

/// Lists everything that is missing.
pub(crate) fn check(needs: &[Need]) -> Outcome {
    let missing: Vec<String> = needs.iter().filter_map(missing).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("cannot run: {}", missing.join("; "))) }
}

fn missing(need: &Need) -> Option<String> {
    match need {
        Need::Program(name, package) => (!is_on_path(name))
            .then(|| format!("`{name}` is missing; install Debian's package {package}")),
        Need::File(path, remedy) => {
            (!Path::new(path).exists()).then(|| format!("{path} is missing; {remedy}"))
        }
        Need::Root => (!is_root()).then(|| "it must run as root".to_owned()),
    }
}

#[allow(clippy::disallowed_methods, reason = "a command-line tool looks where its shell looks")]
fn is_on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

/// The owner of what this process does, as the kernel reports it.
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_missing_is_named_with_its_remedy() {
        let needs = [
            Need::Program("cargo", "cargo"),
            Need::Program("no-such-program", "no-such-package"),
            Need::File("/no/such/file", "load the module"),
        ];
        let error = check(&needs).unwrap_err();
        assert_eq!(
            error,
            "cannot run: `no-such-program` is missing; install Debian's package no-such-package; \
             /no/such/file is missing; load the module"
        );
    }
}
