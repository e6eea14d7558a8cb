//! `s3cred completions`

use clap::CommandFactory as _;

use crate::arguments::{Arguments, CompletionsArguments};
use crate::output;

/// Prints the script that a shell reads.
pub(crate) fn run(arguments: &CompletionsArguments) {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "s3cred", &mut script);
    output::print_text(&String::from_utf8_lossy(&script));
}
