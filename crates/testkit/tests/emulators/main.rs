//! The emulators, through their public API and over the wire.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may fail as loudly as tests"
)]

mod client;
mod clock;
mod http;
mod imds;
mod jwt;
mod pod_identity_agent;
mod policy;
mod s3;
mod server;
mod sts;
mod world;
