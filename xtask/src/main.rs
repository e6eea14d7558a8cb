//! `cargo xtask`: the project's own commands, one file each.
//!
//! What goes in: the checkout that this was built from. What comes out: the lines of the tools it
//! starts, and its own. How it fails: exit status 1, with the reason on the last line of stderr.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool talks to its user"
)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod bench;
mod budgets;
mod ci;
mod clippy;
mod deny;
mod doc;
mod e2e;
mod features;
mod fmt;
mod fuzz;
mod locks;
mod proto;
mod release;
mod run;
mod test;
mod tidy;

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Everything that has to pass, fastest first
    Ci(ci::Options),
    /// The whole test suite, documentation examples included
    Test(test::Options),
    /// What rustfmt would change
    Fmt,
    /// The invariants of the design, proven from the sources and the dependency graph
    Tidy,
    /// Licences, bans and sources of all dependencies
    Deny,
    /// The lock files of the workspaces that no other check builds
    Locks,
    /// The CSI messages and services, generated from their definitions
    Proto(proto::Options),
    /// Lints, with warnings as errors
    Clippy,
    /// The facade with each of its features alone
    Features,
    /// The documentation, with warnings as errors
    Doc,
    /// How many system calls an operation makes
    Budgets,
    /// This project beside its peers: times, allocations, calls, weight
    Bench(bench::Options),
    /// Every fuzz target for a while
    Fuzz(fuzz::Options),
    /// What an upload of every crate needs, without an upload
    Release(release::Options),
    /// Tests against real clients and servers
    E2e(e2e::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Ci(options) => ci::run(&options),
        Task::Test(options) => test::run(&options),
        Task::Fmt => fmt::run(),
        Task::Tidy => tidy::run(),
        Task::Deny => deny::run(),
        Task::Locks => locks::run(),
        Task::Proto(options) => proto::run(&options),
        Task::Clippy => clippy::run(),
        Task::Features => features::run(),
        Task::Doc => doc::run(),
        Task::Budgets => budgets::run(),
        Task::Bench(options) => bench::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Release(options) => release::run(&options),
        Task::E2e(options) => e2e::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("xtask: {reason}");
            ExitCode::FAILURE
        }
    }
}
