//! `cargo xtask doc`: the public documentation of our crates, warnings are errors.

use crate::run::{self, Outcome, cargo};

pub(crate) fn run() -> Outcome {
    let mut doc = cargo(["doc", "--locked", "--workspace", "--no-deps", "--all-features"]);
    run::run(doc.env("RUSTDOCFLAGS", "-D warnings"))
}
