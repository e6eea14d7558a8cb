//! The Go driver's results for 315 inputs, compared with ours: either we agree, or we differ on
//! purpose and by name.
//!
//! Umask and working directory belong to the whole process, so this is the only test in it, and it
//! runs one case after the other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::items_after_statements,
    clippy::needless_pass_by_value,
    clippy::needless_range_loop,
    clippy::needless_for_each,
    reason = "test code: what should not happen stops the test"
)]

mod case;
mod deviations;
mod drive;
mod expect;
mod layout;
mod model;
mod outcome;
mod run;
mod sandbox;
mod tally;
mod tokens;
mod tree;
mod view;
mod world;

use crate::tally::Tally;

#[test]
fn every_recorded_case_agrees_or_deviates_by_name() {
    let mut tally = Tally::default();
    for case in case::all() {
        tally.count(&case, &run::case(&case));
    }
    println!("{tally}");
    assert_eq!(tally.total(), 315, "a case is missing");
    assert_eq!(tally.failures(), "", "a case neither agrees nor deviates by name");
}
