//! A week of many leases and many cached keys, with time paused: what was given ends, one call in a
//! hundred fails, and twice the upstream is away for an hour.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "test code: what should not happen stops the test, and a run shows its tally"
)]

mod cached;
mod leases;
mod upstream;
