//! The source, against a Kubernetes API with annotations, RBAC, watches and TokenRequest.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails loudly")]

mod annotations;
mod failures;
mod mapping;
mod memory;
mod order;
mod silence;
mod token_requests;
mod tokens;
mod watch;
mod world;
