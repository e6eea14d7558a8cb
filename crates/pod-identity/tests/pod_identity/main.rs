//! The source on environments and requests, the exchange against the emulator.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod address;
mod driver;
mod exchange;
mod fixture;
mod logs;
mod pod;
mod probe;
mod refusals;
mod tls;
