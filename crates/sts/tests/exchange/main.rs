//! The exchange, against an STS that verifies tokens and signatures.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails loudly")]

mod asks;
mod crowds;
mod endpoints;
mod errors;
mod flights;
mod keys;
mod rate_limiter;
mod probe;
mod silence;
mod transport;
mod world;
