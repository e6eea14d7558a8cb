//! `cargo xtask budgets`: how many system calls an operation makes. Unlike times, that does not
//! depend on the machine's load.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde::Deserialize;

use crate::run::{self, Outcome, cargo};

/// Exactly this many calls on what is in the volume's directory, and on the lease's record, which
/// is its lock, in the state path.
struct Budget {
    part: &'static str,
    volume: usize,
    state: usize,
}

/// The present counts, so that one more call is seen, and one less is kept. docs/performance.md
/// lists the goals too.
const BUDGETS: [Budget; 9] = [
    Budget { part: "token-provide", volume: 8, state: 6 },
    Budget { part: "token-republish", volume: 9, state: 5 },
    Budget { part: "token-unchanged", volume: 2, state: 1 },
    Budget { part: "token-cleanup", volume: 8, state: 13 },
    Budget { part: "profile-provide", volume: 13, state: 6 },
    Budget { part: "profile-republish", volume: 15, state: 5 },
    Budget { part: "profile-unchanged", volume: 3, state: 1 },
    Budget { part: "profile-cleanup", volume: 9, state: 13 },
    Budget { part: "current", volume: 0, state: 0 },
];

/// The output of `tests/budgets/trace.py` for each part.
#[derive(Debug, Deserialize)]
struct Traced {
    count: BTreeMap<String, usize>,
    /// Name, and what it is about.
    calls: Vec<(String, String)>,
}

pub(crate) fn run() -> Outcome {
    run::run(&mut cargo([
        "build",
        "--locked",
        "--package",
        "s3-credential-tests",
        "--example",
        "budgets",
    ]))?;
    let target = run::target()?;
    let folder = target.join("budgets");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut tracer = Command::new("python3");
    tracer.arg("tests/budgets/trace.py").arg(target.join("debug/examples/budgets")).arg(&folder);
    let traced: BTreeMap<String, Traced> = serde_json::from_str(&run::output(&mut tracer)?)
        .map_err(|error| format!("tests/budgets/trace.py: {error}"))?;

    println!("system calls        volume     state     other");
    let mut off = Vec::new();
    for Budget { part, volume, state } in BUDGETS {
        let traced = traced.get(part).ok_or_else(|| format!("{part} was not traced"))?;
        let count = |kind: &str| traced.count.get(kind).copied().unwrap_or_default();
        let other = count("other") + count("write path");
        println!(
            "{part:<17} {:>3} of {volume:<2} {:>3} of {state:<2} {other:>9}",
            count("volume"),
            count("state")
        );
        for (kind, budget) in [("volume", volume), ("state", state)] {
            if count(kind) != budget {
                let calls: Vec<_> = traced
                    .calls
                    .iter()
                    .filter(|(_, of)| of == kind)
                    .map(|(name, _)| name.as_str())
                    .collect();
                off.push(format!(
                    "{part}, {kind}: {} calls, {budget} budgeted: {}",
                    count(kind),
                    calls.join(" ")
                ));
            }
        }
    }
    // Not budgeted, but for the operation that is to make none at all.
    let reading: Vec<_> = traced["current"].calls.iter().map(|(name, _)| name.as_str()).collect();
    if !reading.is_empty() {
        off.push(format!("current: reads keys with system calls: {}", reading.join(" ")));
    }
    if off.is_empty() { Ok(()) } else { Err(off.join("\n       ")) }
}
