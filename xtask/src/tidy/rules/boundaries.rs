//! The allowed dependencies between crates.

use crate::tidy::finding::Finding;
use crate::tidy::graph::Member;
use crate::tidy::layout::{
    CORE_USES, EXAMPLES, LAYERS, Layer, NEVER_IN_CORE, OTHER_MEMBERS, package,
};
use crate::tidy::tree::Tree;

const PREFIX: &str = "s3-credential-";

pub(crate) fn the_crates_of_the_design_exist(tree: &Tree) -> Vec<Finding> {
    let packages: Vec<String> = LAYERS.iter().map(Layer::package).collect();
    let missing = packages
        .iter()
        .map(String::as_str)
        .chain(OTHER_MEMBERS.iter().copied())
        .filter(|name| tree.graph.member(name).is_none());
    let unknown = tree.graph.members.iter().filter(|member| {
        !packages.contains(&member.name) && !OTHER_MEMBERS.contains(&member.name.as_str())
    });
    let missing = missing.map(|name| {
        Finding::at("Cargo.toml", 1, format!("the design's crate `{name}` is not a member; add it"))
    });
    let unknown = unknown.map(|member| {
        Finding::at(
            "Cargo.toml",
            1,
            format!(
                "`{}` has no place in the design; give it one in xtask/src/tidy/layout.rs",
                member.name
            ),
        )
    });
    missing.chain(unknown).collect()
}

pub(crate) fn a_crate_uses_only_the_layers_below(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for layer in LAYERS {
        let allowed = |folder: &str| layer.uses.contains(&folder);
        let folder_of = |used: &str| LAYERS.iter().find(|layer| layer.package() == used);
        for used in uses(tree, layer.folder) {
            let folder = folder_of(used).map(|layer| layer.folder);
            if folder.is_some_and(|folder| !allowed(folder)) || OTHER_MEMBERS.contains(&used) {
                findings.push(dependency(
                    tree,
                    layer.folder,
                    used,
                    &format!("may use of this workspace only {:?}", layer.uses),
                ));
            }
        }
    }
    findings
}

pub(crate) fn core_uses_only_values(tree: &Tree) -> Vec<Finding> {
    let strangers =
        uses(tree, "core").filter(|used| !CORE_USES.contains(used) && !used.starts_with(PREFIX));
    let why = "holds contracts and pure values; move what needs it, or, if it is pure too, add it to CORE_USES in xtask/src/tidy/layout.rs";
    strangers.map(|used| dependency(tree, "core", used, why)).collect()
}

pub(crate) fn no_runtime_reaches_core(tree: &Tree) -> Vec<Finding> {
    let closure = tree.graph.closures.get("s3-credential-core").into_iter().flatten();
    let banned =
        closure.filter(|package| NEVER_IN_CORE.iter().any(|name| is_or_starts_with(package, name)));
    let message = |package| {
        format!(
            "core must be pure, but `{package}` reaches it (`cargo tree -p s3-credential-core -i` shows how)"
        )
    };
    banned.map(|package| Finding::at("crates/core/Cargo.toml", 1, message(package))).collect()
}

pub(crate) fn only_sts_calls_sts(tree: &Tree) -> Vec<Finding> {
    let others = LAYERS.iter().filter(|layer| {
        layer.folder != "sts" && uses(tree, layer.folder).any(|used| used == "aws-sdk-sts")
    });
    others
        .map(|layer| {
            dependency(tree, layer.folder, "aws-sdk-sts", "must leave roles to the sts crate")
        })
        .collect()
}

pub(crate) fn an_example_needs_one_crate_of_ours(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (example, allowed) in EXAMPLES {
        let used = tree.graph.member(example).into_iter().flat_map(Member::uses);
        for used in used.filter(|used| used.starts_with(PREFIX) && used != allowed) {
            let message = format!(
                "`{example}` depends on `{used}`, but it is to show that `{allowed}` is enough"
            );
            findings.push(Finding::at(&format!("examples/{example}/Cargo.toml"), 1, message));
        }
    }
    findings
}

fn uses<'a>(tree: &'a Tree, folder: &str) -> impl Iterator<Item = &'a str> {
    tree.graph.member(&package(folder)).into_iter().flat_map(Member::uses)
}

/// `tokio v1.2.3` is `tokio`; a name that ends in `-` stands for all that start with it.
pub(super) fn is_or_starts_with(package: &str, name: &str) -> bool {
    let package = package.split(' ').next().unwrap_or(package);
    package == name || name.ends_with('-') && package.starts_with(name)
}

fn dependency(tree: &Tree, folder: &str, used: &str, rule: &str) -> Finding {
    let path = format!("crates/{folder}/Cargo.toml");
    let line = tree.line_of(&path, |line| line.starts_with(used));
    Finding::at(&path, line, format!("`{folder}` depends on `{used}`, but {rule}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::graph::{Dependency, Graph};

    fn tree(members: &[(&str, &[&str])]) -> Tree {
        let member = |(name, uses): &(&str, &[&str])| Member {
            name: (*name).to_owned(),
            dependencies: uses
                .iter()
                .map(|used| Dependency { name: (*used).to_owned(), kind: None })
                .collect(),
        };
        Tree {
            graph: Graph { members: members.iter().map(member).collect(), ..Graph::default() },
            ..Tree::default()
        }
    }

    #[test]
    fn a_source_knows_core_and_no_other_source() {
        assert!(
            a_crate_uses_only_the_layers_below(&tree(&[(
                "s3-credential-irsa",
                &["s3-credential-core", "tokio"]
            )]))
            .is_empty()
        );
        let found = a_crate_uses_only_the_layers_below(&tree(&[(
            "s3-credential-irsa",
            &["s3-credential-imds"],
        )]));
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().contains("`irsa` depends on `s3-credential-imds`"));
    }

    #[test]
    fn an_example_knows_one_crate_and_no_other() {
        let count =
            |used| an_example_needs_one_crate_of_ours(&tree(&[("process-source", used)])).len();
        assert_eq!(count(&["s3-credential-core", "tokio"]), 0);
        assert_eq!(count(&["s3-credential-core", "s3-credential-provider"]), 1);
    }

    #[test]
    fn what_only_tests_use_is_free() {
        let mut tree = tree(&[("s3-credential-core", &["s3-credential-testkit", "tokio"])]);
        for dependency in &mut tree.graph.members[0].dependencies {
            dependency.kind = Some("dev".to_owned());
        }
        assert!(a_crate_uses_only_the_layers_below(&tree).is_empty());
        assert!(core_uses_only_values(&tree).is_empty());
    }

    #[test]
    fn core_uses_only_what_is_listed() {
        assert!(
            core_uses_only_values(&tree(&[("s3-credential-core", &["serde", "jiff"])])).is_empty()
        );
        assert_eq!(
            core_uses_only_values(&tree(&[("s3-credential-core", &["serde", "reqwest"])])).len(),
            1
        );
    }

    #[test]
    fn a_runtime_is_found_behind_another_crate_too() {
        let with = |packages: &[&str]| {
            let mut tree = Tree::default();
            tree.graph.closures.insert(
                "s3-credential-core".to_owned(),
                packages.iter().map(|&name| name.to_owned()).collect(),
            );
            no_runtime_reaches_core(&tree).len()
        };
        assert_eq!(with(&["serde v1.0.0", "tokio-macros-like v1.0.0"]), 0);
        assert_eq!(with(&["serde v1.0.0", "tokio v1.0.0", "aws-types v1.0.0"]), 2);
    }

    #[test]
    fn only_the_sts_crate_may_use_its_sdk() {
        assert!(only_sts_calls_sts(&tree(&[("s3-credential-sts", &["aws-sdk-sts"])])).is_empty());
        assert_eq!(
            only_sts_calls_sts(&tree(&[("s3-credential-provider", &["aws-sdk-sts"])])).len(),
            1
        );
    }

    #[test]
    fn a_missing_crate_and_an_unknown_one_are_named() {
        let all: Vec<String> = LAYERS.iter().map(Layer::package).collect();
        let mut members: Vec<(&str, &[&str])> =
            all.iter().map(|name| (name.as_str(), &[] as &[&str])).collect();
        members.extend(OTHER_MEMBERS.iter().map(|name| (*name, &[] as &[&str])));
        assert!(the_crates_of_the_design_exist(&tree(&members)).is_empty());
        members[0].0 = "s3-credential-kernel";
        assert_eq!(the_crates_of_the_design_exist(&tree(&members)).len(), 2);
    }
}
