//! One module for each command.

pub(crate) mod audit;
pub(crate) mod cleanup;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod leases;
pub(crate) mod man;
pub(crate) mod process;
pub(crate) mod provide;
pub(crate) mod region;
pub(crate) mod serve;
