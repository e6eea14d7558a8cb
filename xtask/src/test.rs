//! `cargo xtask test`: the whole test suite, by plain `cargo test`.

use crate::run::{self, Outcome, cargo};

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Options {
    /// Passed on to `cargo test`, such as a part of a test's name
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Outcome {
    // Tests, examples in the documentation, of every crate; all failures are seen in one run.
    let mut test = cargo(["test", "--locked", "--workspace", "--no-fail-fast"]);
    run::run(test.args(&options.arguments))
}
