//! A mounter on its socket, with a script as Mountpoint.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "test code: a failed expectation stops the test"
)]

mod drain;
mod hostile;
mod messages;
mod world;
