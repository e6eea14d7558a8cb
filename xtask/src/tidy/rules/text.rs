//! Texts that no file of the project may hold, in any language.

use crate::tidy::finding::Finding;
use crate::tidy::tree::Tree;

pub(crate) fn no_work_is_left_open(tree: &Tree) -> Vec<Finding> {
    // Cut in two, so that this file does not find itself.
    const MARKERS: &[&str] = &[
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("HA", "CK"),
        concat!("to", "do!"),
        concat!("unimple", "mented!"),
        concat!("not yet ", "implemented"),
        concat!("place", "holder implementation"),
    ];
    lines(tree, |line| {
        let marker = MARKERS.iter().find(|marker| has_word(line, marker))?;
        Some(format!("`{marker}`: do it now, or open an issue"))
    })
}

pub(crate) fn no_path_of_a_machine(tree: &Tree) -> Vec<Finding> {
    const HOMES: &[&str] = &["home", "root", "Users", "work"];
    lines(tree, |line| {
        let home = HOMES.iter().find(|home| starts_absolute_path(line, home))?;
        Some(format!(
            "a path under `/{home}` exists on one machine only; make it relative, or a variable"
        ))
    })
}

fn lines(tree: &Tree, find: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        for (number, line) in (1..).zip(file.text.lines()) {
            findings.extend(find(line).map(|message| Finding::at(&file.path, number, message)));
        }
    }
    findings
}

pub(crate) fn has_word(line: &str, word: &str) -> bool {
    let is_part = |neighbour: Option<char>| {
        neighbour.is_some_and(|neighbour| neighbour.is_alphanumeric() || neighbour == '_')
    };
    line.match_indices(word).any(|(start, found)| {
        let before = line[..start].chars().next_back();
        let after = line[start + found.len()..].chars().next();
        let goes_on = is_part(found.chars().next_back()) && is_part(after);
        !is_part(before) && !goes_on
    })
}

fn starts_absolute_path(line: &str, folder: &str) -> bool {
    let is_name = |neighbour: char| neighbour.is_alphanumeric() || "_-.".contains(neighbour);
    // A slash behind one of these is inside a longer path, a URL or a pattern.
    let continues = |before: char| is_name(before) || "/})>*$~".contains(before);
    line.match_indices(folder).any(|(start, _)| {
        let Some(before) = line[..start].strip_suffix('/') else {
            return false;
        };
        !before.chars().next_back().is_some_and(continues)
            && !line[start + folder.len()..].chars().next().is_some_and(is_name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::rules::Rule;

    fn count(rule: Rule, text: &str) -> usize {
        rule(&Tree::sample(&[("a.md", text)])).len()
    }

    #[test]
    fn a_marker_is_found_and_a_word_that_contains_it_is_not() {
        let marker = concat!("TO", "DO");
        assert_eq!(count(no_work_is_left_open, &format!("// {marker}: later\n// {marker}\n")), 2);
        assert_eq!(count(no_work_is_left_open, &format!("{marker}S mktemp.{}", "X".repeat(6))), 0);
        assert_eq!(count(no_work_is_left_open, &format!("{}()", concat!("to", "do!"))), 1);
    }

    #[test]
    fn a_path_of_a_machine_is_found_and_other_paths_are_not() {
        for bad in ["cd /", "`/", "\"/", "PATH=/a:/"].map(|before| format!("{before}{}/me", "home"))
        {
            assert_eq!(count(no_path_of_a_machine, &bad), 1, "{bad}");
        }
        for good in [
            "/var/root/x",
            "https://host/work/",
            "${HOME}/work/a",
            "/workspace",
            "/homes",
            "a/root/b",
            "the root",
        ] {
            assert_eq!(count(no_path_of_a_machine, good), 0, "{good}");
        }
    }
}
