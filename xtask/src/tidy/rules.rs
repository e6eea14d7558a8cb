//! The rules. Each is a function from the tree to what it found, with a good and a bad sample in
//! its tests.

pub(crate) mod boundaries;
pub(crate) mod chain_names;
pub(crate) mod docs;
pub(crate) mod effects;
pub(crate) mod manifests;
pub(crate) mod security;
pub(crate) mod shape;
pub(crate) mod size;
pub(crate) mod tests_read_well;
pub(crate) mod text;
pub(crate) mod weight;

use super::finding::Finding;
use super::tree::Tree;

pub(crate) type Rule = fn(&Tree) -> Vec<Finding>;

pub(crate) const ALL: &[Rule] = &[
    boundaries::the_crates_of_the_design_exist,
    boundaries::a_crate_uses_only_the_layers_below,
    boundaries::core_uses_only_values,
    boundaries::no_runtime_reaches_core,
    boundaries::only_sts_calls_sts,
    boundaries::an_example_needs_one_crate_of_ours,
    weight::no_crate_is_too_heavy,
    manifests::a_version_is_said_once,
    manifests::a_shared_version_is_used,
    manifests::a_dependency_is_used,
    manifests::a_member_inherits,
    effects::only_delivery_writes_files,
    effects::only_applications_read_the_environment,
    effects::time_enters_through_the_clock,
    effects::core_has_no_effects,
    chain_names::a_chain_name_is_one_constant,
    shape::no_unsafe,
    shape::no_mod_rs,
    size::no_file_has_two_jobs,
    docs::a_crate_says_what_it_is_for,
    security::a_claim_has_a_test_that_exists,
    security::a_dependency_is_accounted_for,
    tests_read_well::a_test_name_is_a_sentence,
    tests_read_well::no_test_is_ignored,
    tests_read_well::no_test_sleeps,
    text::no_work_is_left_open,
    text::no_path_of_a_machine,
];
