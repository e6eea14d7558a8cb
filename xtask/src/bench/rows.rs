//! The rows that the sections print, and the one table of them all.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::run::Outcome;

/// One row, as `tests/peers/bench/src/table.rs` writes it.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) goal: String,
    /// By subject.
    pub(crate) cells: BTreeMap<String, String>,
    pub(crate) met: Option<bool>,
}

/// The columns; whatever else a row has goes into the last one.
pub(super) const SUBJECTS: [&str; 4] = [OURS, "aws-config", "reqsign", "object_store"];
pub(super) const OURS: &str = "s3-credential";

pub(crate) fn parse(lines: &str) -> Outcome<Vec<Row>> {
    let parse = |line: &str| serde_json::from_str(line).map_err(|error| format!("{line}: {error}"));
    lines.lines().map(parse).collect()
}

impl Row {
    /// Returns the rows as a Markdown table.
    pub(crate) fn table(rows: &[Self]) -> String {
        let mut table = format!("| what | {} | beside | goal | met |\n", SUBJECTS.join(" | "));
        table.push_str(&"|---".repeat(SUBJECTS.len() + 4));
        table.push_str("|\n");
        for row in rows {
            table.push_str(&row.line());
        }
        table
    }

    fn line(&self) -> String {
        let cells: Vec<_> = SUBJECTS
            .iter()
            .map(|subject| self.cells.get(*subject).map_or("", String::as_str))
            .collect();
        let beside: Vec<_> = self
            .cells
            .iter()
            .filter(|(name, _)| !SUBJECTS.contains(&name.as_str()))
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let met = match self.met {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "",
        };
        let (cells, beside) = (cells.join(" | "), beside.join("; "));
        format!("| {} | {cells} | {beside} | {} | {met} |\n", self.what, self.goal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_json_becomes_a_line_of_the_table() {
        let rows = parse(r#"{"what":"w","goal":"g","cells":{"reqsign":"2 s","s3-credential":"1 s","bare":"3 s"},"met":true}"#).unwrap();
        let table = Row::table(&rows);
        assert_eq!(table.lines().last(), Some("| w | 1 s |  | 2 s |  | bare: 3 s | g | yes |"));
    }
}
