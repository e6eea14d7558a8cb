//! `s3cred`: provide, explain and remove the credentials of an S3 volume from the command line.
//!
//! **In:** a CSI request as JSON, the driver's environment variables, flags. **Out:** one JSON
//! object, or lines for a person. **Fails** with one line on stderr, an error object where JSON was
//! asked for, and an exit status by gRPC code.
//!
//! ```sh
//! s3cred provide --request publish.json --write-path /run/mountpoint
//! s3cred cleanup --request publish.json --write-path /run/mountpoint
//! ```
//!
//! A third party that has a source of its own builds its own `s3cred` with it, and names it in the
//! configuration:
//!
//! ```no_run
//! use s3_credential_core::{CredentialForm, Keys, source_fn};
//! use s3_credential_provider::PluginContext;
//!
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct SandboxSettings {
//!     /// The access key id.
//!     key_id: String,
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     s3cred::run(|registry| {
//!         registry.register("sandbox", |settings: &SandboxSettings, _context: &PluginContext| {
//!             let keys = Keys::new(settings.key_id.as_str(), "not-a-secret");
//!             Ok(source_fn("sandbox", move |_context| {
//!                 let keys = keys.clone();
//!                 async move { Ok(CredentialForm::Keys(keys)) }
//!             }))
//!         })?;
//!         Ok(())
//!     })
//! }
//! ```

mod arguments;
mod commands;
mod error;
mod logging;
mod output;
mod request;
mod setup;
mod survey;
mod table;
mod text;
mod tree;
mod version;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser;
use s3_credential_provider::Failure;

use crate::arguments::{Arguments, Command};

pub use s3_credential_provider::Registry;

/// Runs the command line of this process, with what `plug_in` registers beside the plug-ins of this
/// workspace.
pub fn run(plug_in: impl FnOnce(&mut Registry) -> Result<(), Failure>) -> ExitCode {
    match Arguments::try_parse() {
        Ok(Arguments { command }) => output::status(execute(command, plug_in)),
        // Help and the version go to stdout, bad usage to stderr.
        Err(error) => {
            let written = error.print().and_then(|()| io::stdout().flush());
            if !error.use_stderr() {
                output::note(written);
            }
            output::status(ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2)))
        }
    }
}

fn execute(
    command: Command,
    plug_in: impl FnOnce(&mut Registry) -> Result<(), Failure>,
) -> ExitCode {
    logging::init();
    let format = command.format();
    let mut registry = Registry::default();
    if let Err(failure) = plug_in(&mut registry) {
        return error::report(&failure.into(), format);
    }
    let registry = &registry;
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return error::report(&error::internal("the runtime cannot be started", error), format);
        }
    };
    let result = runtime.block_on(async {
        match command {
            Command::Provide(arguments) => commands::provide::run(arguments, registry).await,
            Command::Cleanup(arguments) => commands::cleanup::run(arguments, registry).await,
            Command::Region(arguments) => commands::region::run(arguments, registry).await,
            Command::Explain(arguments) => commands::explain::run(arguments, registry).await,
            Command::Process(arguments) => commands::process::run(arguments, registry).await,
            Command::Serve(arguments) => commands::serve::run(arguments, registry).await,
            Command::Demo(arguments) => commands::demo::run(arguments).await,
            Command::Leases(arguments) => return commands::leases::run(&arguments, registry),
            Command::Audit(arguments) => return commands::audit::run(&arguments, registry),
            Command::Completions(arguments) => {
                commands::completions::run(&arguments);
                Ok(())
            }
            Command::Man(arguments) => commands::man::run(&arguments),
            Command::Doctor(arguments) => return commands::doctor::run(arguments, registry).await,
            Command::Config(command) => return Ok(commands::config::run(&command, registry)),
        }
        .map(|()| ExitCode::SUCCESS)
    });
    result.unwrap_or_else(|error| error::report(&error, format))
}
