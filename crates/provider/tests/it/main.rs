//! The facade through its public API. One program, so that its libraries are linked once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unchecked_time_subtraction,
    reason = "test code: what should not happen stops the test, and a long run shows its tally"
)]

mod cache;
mod changes;
mod config;
mod configurations;
mod endpoint;
mod exchange;
mod failures;
mod fast_path;
mod kubernetes;
mod leases;
mod lifecycle;
mod outages;
mod pinned;
mod plugins;
mod robustness;
mod rotation;
#[cfg(feature = "sdk")]
mod sdk;
mod sharing;
mod third_party;
mod week;
