//! The table of what ran: suite, versions, checks, time.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::seen::Seen;
use crate::run::{Outcome, output};

/// A suite that ran, or could not.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) outcome: Outcome,
    pub(crate) seen: Seen,
    pub(crate) took: Duration,
}

impl Row {
    pub(crate) fn failure(&self) -> Option<String> {
        Some(format!("{}: {}", self.name, self.outcome.as_ref().err()?))
    }

    fn cells(&self) -> [String; 4] {
        let checks = match (&self.outcome, self.seen.passed + self.seen.failed) {
            (Ok(()), _) => format!("{} passed", self.seen.passed),
            (Err(_), 0) => "FAILED".to_owned(),
            (Err(_), all) => format!("FAILED, {} of {all} passed", self.seen.passed),
        };
        let versions = self.seen.versions.join(", ");
        [format!("`{}`", self.name), versions, checks, format!("{} s", self.took.as_secs())]
    }
}

/// A table in Markdown; a failure is a line below it.
pub(crate) fn of(rows: &[Row]) -> String {
    let mut lines = vec!["| suite | versions | checks | time |".to_owned()];
    lines.push("|---|---|---|---|".to_owned());
    lines.extend(rows.iter().map(|row| format!("| {} |", row.cells().join(" | "))));
    lines.extend(rows.iter().filter_map(Row::failure).map(|failure| format!("\n{failure}")));
    lines.join("\n")
}

/// Where the table is in the page.
const MARKS: [&str; 2] = ["<!-- table: begin -->", "<!-- table: end -->"];

/// Replaces the table of the page, with the date and the system of this run.
pub(crate) fn write(page: &Path, table: &str) -> Outcome {
    let date = output(Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
    let system = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let kernel = output(Command::new("uname").args(["-sr"]))?;
    let run = format!("Run on {} ({}, {}).", date.trim(), name_of(&system), kernel.trim());
    let text = fs::read_to_string(page)
        .map_err(|error| format!("cannot read {}: {error}", page.display()))?;
    let text = replaced(&text, &format!("{run}\n\n{table}"))
        .ok_or_else(|| format!("{} has no place for the table", page.display()))?;
    fs::write(page, text).map_err(|error| format!("cannot write {}: {error}", page.display()))
}

fn name_of(os_release: &str) -> &str {
    let line = os_release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    line.map_or("an unknown system", |name| name.trim_matches('"'))
}

fn replaced(text: &str, table: &str) -> Option<String> {
    let [begin, end] = MARKS;
    let (before, rest) = text.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}\n{table}\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(outcome: Outcome, passed: usize) -> Row {
        let seen = Seen { passed, failed: 0, versions: vec!["moto 5.2.5".to_owned()] };
        Row { name: "aws".to_owned(), outcome, seen, took: Duration::from_secs(61) }
    }

    #[test]
    fn a_suite_is_a_row_and_a_failure_a_line() {
        assert!(of(&[row(Ok(()), 7)]).ends_with("| `aws` | moto 5.2.5 | 7 passed | 61 s |"));
        let table = of(&[row(Err("kubectl is missing".to_owned()), 0)]);
        assert!(table.contains("| FAILED |"));
        assert!(table.ends_with("\naws: kubectl is missing"));
    }

    #[test]
    fn the_table_of_a_page_is_replaced() {
        let page = "a\n<!-- table: begin -->\nold\n<!-- table: end -->\nb\n";
        let replaced = replaced(page, "new").unwrap();
        assert_eq!(replaced, "a\n<!-- table: begin -->\nnew\n<!-- table: end -->\nb\n");
        assert!(super::replaced("no marks", "new").is_none());
    }
}
