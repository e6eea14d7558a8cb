//! How many crates a user takes on.

use std::collections::BTreeSet;

use crate::tidy::finding::Finding;
use crate::tidy::layout::WEIGHTS;
use crate::tidy::tree::Tree;

pub(crate) fn no_crate_is_too_heavy(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for weight in WEIGHTS {
        let count = tree.graph.closures.get(weight.package).map_or(0, BTreeSet::len);
        if count > weight.at_most {
            let message = format!(
                "`{}` takes {count} crates, more than {}; find one that can go",
                weight.package, weight.at_most
            );
            findings.push(Finding::at("Cargo.toml", 1, message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(count: usize) -> usize {
        let mut tree = Tree::default();
        tree.graph.closures.insert(
            WEIGHTS[0].package,
            (0..count).map(|number| format!("crate-{number} v1.0.0")).collect(),
        );
        no_crate_is_too_heavy(&tree).len()
    }

    #[test]
    fn the_limit_itself_is_allowed_and_one_more_is_not() {
        assert_eq!(findings(WEIGHTS[0].at_most), 0);
        assert_eq!(findings(WEIGHTS[0].at_most + 1), 1);
    }
}
