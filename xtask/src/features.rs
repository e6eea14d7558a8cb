//! `cargo xtask features`: the facade builds cleanly with each of its features alone, and a lean
//! one says what it lacks.

use crate::run::{self, Outcome, cargo};

const PACKAGE: &str = "s3-credential-provider";

/// Each alone: whatever needs another one says so in the manifest. Clippy with all of them is a
/// check of its own.
const SETS: [&str; 11] = [
    "",
    "secret",
    "profile",
    "yaml",
    "endpoint",
    "pod-identity",
    "imds",
    "sdk",
    "irsa",
    "kube",
    "pod-token",
];

/// The features for the tests of a lean facade.
const LEAN: &str = "secret,yaml";

pub(crate) fn run() -> Outcome {
    for features in SETS {
        let mut clippy = cargo(["clippy", "--locked", "--package", PACKAGE]);
        clippy.args(["--no-default-features", "--features", features, "--", "-D", "warnings"]);
        run::run(&mut clippy)?;
    }
    let mut test = cargo(["test", "--locked", "--package", PACKAGE, "--test", "lean"]);
    run::run(test.args(["--no-default-features", "--features", LEAN]))
}
