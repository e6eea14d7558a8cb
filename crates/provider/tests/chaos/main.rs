//! Leases under kills, under many hands at once, and under random calls that a model foresees.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::items_after_statements,
    reason = "test code: what should not happen stops the test, and a run shows its tally"
)]

mod child;
mod hammer;
mod kills;
mod mint;
mod place;
