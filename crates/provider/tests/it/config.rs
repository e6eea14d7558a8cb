//! Configuration files: what is refused, with its place and what to do; what is accepted; and that
//! each key does something.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code: what should not happen stops the test"
)]

mod schema;

mod corpus;
mod code;
mod documents;
mod keys;
mod restart;
