//! The contract of the command line: the binary, run with an environment of its own against
//! emulators on 127.0.0.1.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly, its helpers too")]

// A driver's world, and how the binary is run in it.
mod cloud;
mod driver;
mod requests;
mod run;

mod arguments;
mod request_forms;
mod provide;
mod shell_lines;
mod consumers;
mod leases;
mod survey;
mod audit;
mod shell_help;
mod republish;
mod serve;
mod cleanup;
mod state_path;
mod region;
mod process;
mod explain;
mod explain_tree;
mod explain_services;
mod doctor;
mod doctor_services;
mod secrecy;
mod lost_output;
mod warnings;
mod wrong_input;
