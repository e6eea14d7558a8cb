//! `cargo xtask e2e`: real clients and servers instead of our own emulators and parsers, with one
//! table of what ran.

mod needs;
mod seen;
mod suites;
mod table;

use std::time::Instant;

use crate::run::{Outcome, root};

use seen::Seen;
use suites::Name;
use table::Row;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Run these suites only. Without one, all of them run
    #[arg(value_name = "SUITE")]
    names: Vec<Name>,
    /// Write the table into docs/e2e.md, if every suite has passed
    #[arg(long)]
    write_table: bool,
    /// How many volumes `node` publishes at once
    #[arg(long, default_value_t = VOLUMES)]
    volumes: u32,
}

const VOLUMES: u32 = 200;

/// The page with the table.
const PAGE: &str = "docs/e2e.md";

pub(crate) fn run(options: &Options) -> Outcome {
    let names = if options.names.is_empty() { Name::ALL } else { options.names.as_slice() };
    let rows: Vec<Row> = names.iter().map(|name| row(*name, options.volumes)).collect();
    let table = table::of(&rows);
    println!("\n{table}");
    let failures: Vec<String> = rows.iter().filter_map(Row::failure).collect();
    if !failures.is_empty() {
        return Err(failures.join("\n       "));
    }
    if options.write_table {
        table::write(&root().join(PAGE), &table)?;
    }
    Ok(())
}

/// The suite that `cargo xtask ci` runs.
pub(crate) fn aws() -> Outcome {
    run(&Options { names: vec![Name::Aws], write_table: false, volumes: VOLUMES })
}

#[allow(
    clippy::disallowed_methods,
    reason = "how long a suite took is for the reader; no decision depends on it"
)]
fn row(name: Name, volumes: u32) -> Row {
    println!("\n==> {name}");
    let start = Instant::now();
    let mut seen = Seen::default();
    let outcome = needs::check(name.needs()).and_then(|()| name.run(&mut seen, volumes));
    Row { name: name.to_string(), outcome, seen, took: start.elapsed() }
}
