//! A conformance kit for the credential code of an S3 CSI driver, in any language.
//!
//! ```sh
//! kit emulators DIRECTORY          # the services around a driver, until standard input ends
//! kit check PROGRAM [ARGUMENT ...] # judges a driver's credential code, and prints a report
//! ```
//!
//! `docs/conformance-kit.md` says what `PROGRAM` is called with and what `emulators` understands.
//! The exit status of `check` is 0 if every required case passes, else 1.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command-line tool talks to its user and starts with a fresh directory"
)]

mod cases;
mod control;
mod driver;
mod report;
mod world;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use driver::Driver;
use world::World;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["emulators", directory] => emulators(directory.into()).await,
        ["check", program @ ..] if !program.is_empty() => check(program).await,
        _ => Err("usage: kit emulators DIRECTORY | kit check PROGRAM [ARGUMENT ...]".into()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("kit: {error}");
            ExitCode::from(2)
        }
    }
}

async fn emulators(directory: PathBuf) -> Result<bool> {
    std::fs::create_dir_all(&directory)?;
    let world = World::start(directory).await?;
    println!("{}", world.describe()?);
    control::run(&world).await?;
    Ok(true)
}

async fn check(program: &[&str]) -> Result<bool> {
    let driver = Driver::new(program);
    let mut report = report::Report::default();
    for case in cases::ALL {
        let directory =
            s3_credential_testkit::scratch::Scratch::new_in(std::env::temp_dir(), "kit")?;
        let world = World::start(directory.path().to_owned()).await?;
        report.add(case, (case.run)(&world, &driver).await);
    }
    Ok(report.close())
}
