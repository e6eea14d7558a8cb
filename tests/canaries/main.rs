//! Secrets are planted everywhere, and searched for in everything that can be seen: values printed
//! with `Debug` and `Display`, what was said of them, every log at its most talkative, panics, and
//! what is remembered on disk.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code: what should not happen stops the test"
)]

mod record;
mod world;

mod broken;
mod runs;
mod values;

mod exports;
