//! Measures this project beside its peers. `cargo xtask bench` runs it and prints the table;
//! docs/performance.md says what each row is.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

pub mod subjects;
pub mod table;
pub mod upstream;

pub mod cluster;
pub mod cold;
pub mod endpoint;
pub mod leases;
pub mod outage;
pub mod provide;
pub mod refresh;
pub mod silence;
pub mod volumes;
pub mod warm;
