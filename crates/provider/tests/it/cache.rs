//! The cache of exchanged keys, on paused time.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::unchecked_time_subtraction,
    reason = "helpers of tests may fail as loudly as tests"
)]

mod clocks;
mod cold;
mod endpoint;
mod invalidation;
mod kernel_clock;
mod outage;
mod races;
mod refresh;
mod schedule;
mod secrecy;
mod upstream;
