//! The public API on real files, in folders that each test makes.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly, its helpers too")]

mod support;

mod apply;
mod crash;
mod examination;
mod full;
mod hostile;
mod lock;
mod names;
mod refusals;
mod remove;
mod state;
