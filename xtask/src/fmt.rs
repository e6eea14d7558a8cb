//! `cargo xtask fmt`: fails on what rustfmt would change; `cargo fmt` changes it.

use crate::run::{self, Outcome, cargo};

pub(crate) fn run() -> Outcome {
    run::run(&mut cargo(["fmt", "--all", "--", "--check"]))
}
