//! The endpoint, over real sockets on 127.0.0.1.
#![allow(clippy::unwrap_used, reason = "helpers of tests may fail as loudly as tests")]

mod support;

mod answers;
mod crowds;
mod refusals;
mod restarts;
mod secrecy;
