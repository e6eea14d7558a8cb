//! Leases under kills, under many tasks and processes at once, and without records, descriptors or
//! a state path.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::items_after_statements,
    reason = "test code: what should not happen stops the test, and a run shows its tally"
)]

mod child;
mod descriptors;
mod hammer;
mod kills;
mod lost;
mod mint;
mod place;
mod poisoned;
mod steps;
