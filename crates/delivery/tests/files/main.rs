//! The public API on real files, in folders that each test makes.

mod support;

mod apply;
mod crash;
mod hostile;
mod lock;
mod names;
mod refusals;
mod remove;
mod state;
