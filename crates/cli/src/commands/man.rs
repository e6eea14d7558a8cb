//! `s3cred man`

use clap::{Command, CommandFactory as _};
use s3_credential_core::{ErrorKind, Failure};
use s3_credential_provider::ProvideError;

use crate::arguments::{Arguments, ManArguments};
use crate::error;
use crate::output;

/// Prints one page in roff.
pub(crate) fn run(arguments: &ManArguments) -> Result<(), ProvideError> {
    let mut command = Arguments::command();
    command.build();
    let names = arguments.command.iter();
    let page = names.into_iter().try_fold(command, |command, name| subcommand(&command, name))?;
    let mut roff = Vec::new();
    clap_mangen::Man::new(page)
        .render(&mut roff)
        .map_err(|failure| error::internal("cannot write the page", failure))?;
    output::print_text(&String::from_utf8_lossy(&roff));
    Ok(())
}

fn subcommand(command: &Command, name: &str) -> Result<Command, Failure> {
    let known = || command.get_subcommands().filter(|known| known.get_name() != "help");
    known().find(|known| known.get_name() == name).cloned().ok_or_else(|| {
        let names: Vec<_> = known().map(Command::get_name).collect();
        let expected = if names.is_empty() { "none" } else { &*names.join(", ") };
        Failure::new(ErrorKind::InvalidRequest, format!("unknown command: expected {expected}"))
            .with_help("name a command that `s3cred --help` lists")
    })
}
