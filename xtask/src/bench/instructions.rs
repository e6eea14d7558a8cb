//! Instructions that one more operation costs, as valgrind counts them: the same on a busy machine
//! as on a calm one.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use super::rows::{OURS, Row, SUBJECTS};
use crate::run::{self, Outcome};

const FEW: u64 = 100;
const MANY: u64 = 1_100;

pub(crate) fn rows(programs: &Path) -> Outcome<Vec<Row>> {
    let program = programs.join("instructions");
    let mut warm = Row {
        what: "warm fetch: instructions".to_owned(),
        goal: "a quarter of the fewest, at most".to_owned(),
        ..Row::default()
    };
    let mut fewest = u64::MAX;
    let mut ours = 0;
    for subject in SUBJECTS {
        let each = one_more(&program, &format!("warm {subject}"))?;
        warm.cells.insert(subject.to_owned(), each.to_string());
        if subject == OURS {
            ours = each;
        } else {
            fewest = fewest.min(each);
        }
    }
    warm.met = Some(ours * 4 <= fewest);
    let mut rows = vec![warm];
    for (operation, what) in [
        ("provide token", "`provide` and `cleanup`, token file: instructions"),
        ("provide profile", "`provide` and `cleanup`, profile pair: instructions"),
        ("republish", "republish, no change: instructions"),
        ("endpoint", "endpoint, one GET with its client: instructions"),
    ] {
        let each = one_more(&program, operation)?;
        rows.push(Row {
            what: what.to_owned(),
            cells: [(OURS.to_owned(), each.to_string())].into(),
            ..Row::default()
        });
    }
    Ok(rows)
}

/// Returns the cost of one more run, from the difference between many and few.
fn one_more(program: &Path, operation: &str) -> Outcome<u64> {
    let few = count(program, operation, FEW)?;
    let many = count(program, operation, MANY)?;
    Ok(many.saturating_sub(few) / (MANY - FEW))
}

fn count(program: &Path, operation: &str, times: u64) -> Outcome<u64> {
    let report = std::env::temp_dir().join(format!("instructions-{}", std::process::id()));
    // aws-config finds its STS nowhere else.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let sts = free.map_err(|error| format!("no port is free: {error}"))?;
    let mut valgrind = Command::new("valgrind");
    valgrind.env("AWS_ENDPOINT_URL_STS", format!("http://{sts}")).env("AWS_REGION", "us-east-1");
    valgrind.args(["--tool=callgrind", "--quiet"]);
    valgrind.arg(format!("--callgrind-out-file={}", report.display()));
    valgrind.arg(program).arg(operation).arg(times.to_string());
    run::output(&mut valgrind)?;
    let text = std::fs::read_to_string(&report)
        .map_err(|error| format!("{}: {error}", report.display()))?;
    let _ = std::fs::remove_file(&report);
    text.lines()
        .find_map(|line| line.strip_prefix("summary: ")?.trim().parse().ok())
        .ok_or_else(|| "callgrind wrote no summary".to_owned())
}
