//! Source, exchange and region against the emulator.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod examination;
mod exchange;
mod fixture;
mod logs;
mod region;
mod settings;
mod source;
