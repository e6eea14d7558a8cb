//! `cargo xtask bench`: this project beside its peers, in one run and one table. What each row is:
//! docs/performance.md.

mod instructions;
mod rows;
mod weight;

use std::process::Command;

use crate::run::{self, Outcome};
use rows::Row;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only this section; repeats
    #[arg(long, value_name = "SECTION", value_parser = SECTIONS)]
    only: Vec<String>,
}

/// `weight` builds everything from scratch, and takes as long as all others together.
const SECTIONS: [&str; 12] = [
    "warm",
    "allocations",
    "instructions",
    "cold",
    "refresh",
    "outage",
    "silence",
    "provide",
    "leases",
    "endpoint",
    "cluster",
    "weight",
];

/// A workspace of its own.
const MANIFEST: &str = "tests/peers/Cargo.toml";

pub(crate) fn run(options: &Options) -> Outcome {
    let target = run::target()?.join("peers");
    let mut build = Command::new("cargo");
    build.args(["build", "--release", "--locked", "--package", "peers-bench"]);
    build.args(["--manifest-path", MANIFEST]).env("CARGO_TARGET_DIR", &target);
    run::run(&mut build)?;

    let mut table = Vec::new();
    for section in SECTIONS {
        if !options.only.is_empty() && !options.only.iter().any(|only| only == section) {
            continue;
        }
        eprintln!("measuring: {section}");
        match section {
            "instructions" => table.extend(instructions::rows(&target.join("release"))?),
            "weight" => table.extend(weight::rows(&target)?),
            "allocations" => {
                let mut program = Command::new(target.join("release/allocations"));
                table.extend(rows::parse(&run::output(&mut program)?)?);
            }
            section => {
                let mut program = Command::new(target.join("release/peers-bench"));
                table.extend(rows::parse(&run::output(program.arg(section))?)?);
            }
        }
    }
    println!("{}", Row::table(&table));
    Ok(())
}
