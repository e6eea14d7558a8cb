//! `cargo xtask clippy`: all targets, with every feature, warnings are errors.

use crate::run::{self, Outcome, cargo};

pub(crate) fn run() -> Outcome {
    // `-D warnings` goes to the linter and not into RUSTFLAGS, which would build every dependency a
    // second time.
    run::run(&mut cargo([
        "clippy",
        "--locked",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ]))
}
