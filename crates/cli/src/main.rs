//! `s3cred`: provide, explain and remove the credentials of an S3 volume from the command line.
//!
//! **In:** a CSI request as JSON, the driver's environment variables, flags. **Out:** one JSON object, or lines for a person. **Fails**
//! with one line on stderr, an error object where JSON was asked for, and an exit status by gRPC code.
//!
//! ```sh
//! s3cred provide --request publish.json --write-path /run/mountpoint
//! s3cred cleanup --request publish.json --write-path /run/mountpoint
//! ```

mod arguments;
mod commands;
mod error;
mod logging;
mod output;
mod request;
mod setup;
mod text;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    logging::init();
    let format = command.format();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return error::report(&error::internal("the runtime cannot be started", error), format);
        }
    };
    let result = runtime.block_on(async {
        match command {
            Command::Provide(arguments) => commands::provide::run(arguments).await,
            Command::Cleanup(arguments) => commands::cleanup::run(arguments).await,
            Command::Region(arguments) => commands::region::run(arguments).await,
            Command::Explain(arguments) => commands::explain::run(arguments).await,
            Command::Process(arguments) => commands::process::run(arguments).await,
            Command::Serve(arguments) => commands::serve::run(arguments).await,
            Command::Demo(arguments) => commands::demo::run(arguments).await,
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error::report(&error, format),
    }
}
