//! The node service over its socket, with a kernel and a mounter that the tests play.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::assigning_clones,
    reason = "test code: a failed expectation stops the test"
)]

mod authority;
mod calls;
mod events;
mod lifecycle;
mod refusals;
mod restarts;
mod metrics;
mod secrecy;
mod targets;
mod world;
