//! `scope: volume`: the credentials of one volume reach no other, shown by a server that evaluates
//! policies.
#![allow(clippy::unwrap_used, reason = "the helpers of a test fail as tests do")]

mod isolation;
mod leases;
mod refusals;
mod world;
