//! CHANGELOG.md has a section for the release.

use super::Release;
use crate::run::{Outcome, root};

const FILE: &str = "CHANGELOG.md";

pub(crate) fn has_the_release(release: &Release) -> Outcome<String> {
    let text = std::fs::read_to_string(root().join(FILE))
        .map_err(|error| format!("cannot read {FILE}: {error}"))?;
    section_of(&text, &release.version)
}

fn section_of(changelog: &str, version: &str) -> Outcome<String> {
    let sections = sections(changelog);
    let mut names: Vec<&str> = sections.iter().map(|section| section.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    if names.len() < count {
        return Err("a section is there twice".to_owned());
    }
    let entries = |name: &str| sections.iter().find(|section| section.name == name);
    match (entries(version), entries("Unreleased")) {
        (Some(section), _) if section.date.is_none() => {
            Err(format!("the section [{version}] has no date; write `## [{version}] - YYYY-MM-DD`"))
        }
        (Some(section), _) if section.entries == 0 => {
            Err(format!("the section [{version}] is empty"))
        }
        (Some(section), _) => Ok(format!("[{version}] has {} entries", section.entries)),
        (None, Some(section)) if section.entries > 0 => Ok(format!(
            "[Unreleased] has {} entries; the release renames it to [{version}] with its date",
            section.entries
        )),
        _ => Err(format!("neither [{version}] nor [Unreleased] has an entry")),
    }
}

struct Section<'a> {
    name: &'a str,
    date: Option<&'a str>,
    entries: usize,
}

/// `## [0.1.0] - 2026-12-24`, and the entries below it.
fn sections(changelog: &str) -> Vec<Section<'_>> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    for line in changelog.lines() {
        if let Some((name, rest)) = line.strip_prefix("## [").and_then(|rest| rest.split_once(']'))
        {
            let date = rest.strip_prefix(" - ").map(str::trim).filter(|date| is_date(date));
            sections.push(Section { name, date, entries: 0 });
        } else if line.starts_with("- ")
            && let Some(section) = sections.last_mut()
        {
            section.entries += 1;
        }
    }
    sections
}

fn is_date(text: &str) -> bool {
    let shape: String =
        text.chars().map(|char| if char.is_ascii_digit() { '0' } else { char }).collect();
    shape == "0000-00-00"
}

#[cfg(test)]
mod tests {
    use super::section_of;

    #[test]
    fn a_release_needs_an_entry_and_a_date() {
        let good = "## [Unreleased]\n\n## [0.2.0] - 2026-12-24\n- one\n- two\n";
        assert_eq!(section_of(good, "0.2.0").unwrap(), "[0.2.0] has 2 entries");
        assert!(section_of(good, "0.3.0").is_err());
        assert!(section_of(&good.replace(" - 2026-12-24", ""), "0.2.0").is_err());
        assert!(section_of(&format!("{good}{good}"), "0.2.0").is_err());
    }

    #[test]
    fn unreleased_entries_become_the_release() {
        let changelog = "## [Unreleased]\n### Added\n- one\n";
        assert!(section_of(changelog, "0.1.0").unwrap().contains("renames it to [0.1.0]"));
    }
}
