//! The number of crates that a user takes on.

use std::collections::BTreeSet;

use super::boundaries::is_or_starts_with;
use crate::tidy::finding::Finding;
use crate::tidy::layout::WEIGHTS;
use crate::tidy::tree::Tree;

pub(crate) fn no_crate_is_too_heavy(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for weight in WEIGHTS {
        let subject = weight.subject();
        let crates = tree.graph.closures.get(&subject);
        let count = crates.map_or(0, BTreeSet::len);
        if count > weight.at_most {
            let message = format!(
                "`{subject}` takes {count} crates, more than {}; find one that can go",
                weight.at_most
            );
            findings.push(Finding::at("Cargo.toml", 1, message));
        }
        for package in crates.into_iter().flatten() {
            if weight.without.iter().any(|name| is_or_starts_with(package, name)) {
                let message = format!("`{package}` reaches `{subject}`, which does without it");
                findings.push(Finding::at("Cargo.toml", 1, message));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(weight: usize, crates: impl Iterator<Item = String>) -> usize {
        let mut tree = Tree::default();
        tree.graph.closures.insert(WEIGHTS[weight].subject(), crates.collect());
        no_crate_is_too_heavy(&tree).len()
    }

    #[test]
    fn the_limit_itself_is_allowed_and_one_more_is_not() {
        let crates = |count| (0..count).map(|number| format!("crate-{number} v1.0.0"));
        assert_eq!(findings(0, crates(WEIGHTS[0].at_most)), 0);
        assert_eq!(findings(0, crates(WEIGHTS[0].at_most + 1)), 1);
    }

    #[test]
    fn what_a_build_does_without_is_found_in_it() {
        let lean = WEIGHTS.iter().position(|weight| weight.without.contains(&"aws-")).unwrap();
        assert_eq!(
            findings(lean, ["aws-config v1.0.0", "serde v1.0.0"].map(str::to_owned).into_iter()),
            1
        );
    }
}
