//! Emulators of the services around the S3 credential provider, for tests and for `s3cred demo`.
//!
//! What goes in: the state a test sets up (roles, associations, tokens, faults). What comes out:
//! servers on 127.0.0.1 that speak the wire protocol of the real services, so that the real clients
//! work against them, and a record of what they were asked. How it fails: starting is an
//! [`std::io::Result`]; an emulator answers wrong input with the documented error of the service,
//! and answers what it does not know with an error too, never with success.
//!
//! | emulator | speaks |
//! |---|---|
//! | [`imds::Imds`] | the EC2 Instance Metadata Service, version 2 |
//! | [`sts::Sts`] | the query protocol of STS, with verified tokens and signatures |
//! | [`pod_identity_agent::PodIdentityAgent`] | the EKS Pod Identity agent |
//! | [`s3::S3`] | the part of S3 that Mountpoint lives on, with every policy evaluated |
//! | [`kubernetes::Kubernetes`] | the part of the Kubernetes API that a driver uses |
//!
//! [`client::Client`] is the other side: a program with an environment, which finds its keys by the
//! AWS SDK's own chain. [`scratch::Scratch`] is a directory for the files that both need, and
//! [`log::CapturedLog`] what was logged meanwhile.
//!
//! Every emulator is a [`server::Server`] with state of its own: `url()`, `calls()`, `requests()`,
//! `faults()`, `stop()` and `restart()` are there on each. All run on the current tokio runtime and
//! end when they are dropped.
//!
//! ```
//! use s3_credential_testkit::server::{Handler, Request, Response, Server};
//!
//! #[derive(Debug)]
//! struct Hello;
//!
//! #[async_trait::async_trait]
//! impl Handler for Hello {
//!     fn operation(&self, _: &Request) -> String {
//!         "Hello".to_owned()
//!     }
//!     async fn handle(&self, request: Request) -> Response {
//!         Response::text(200, format!("hello {}", request.path()))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let server = Server::start(Hello).await?;
//! assert!(server.url().starts_with("http://127.0.0.1:"));
//! assert_eq!(server.calls().total(), 0);
//! # Ok(())
//! # }
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "test code: a poisoned lock or an impossible encoding failure should stop the test at once"
)]

use std::sync::{Mutex, MutexGuard, PoisonError};

// The common ground, the services in the order in which credentials pass through them, who reads
// the credentials, then what stands in for our own traits.
pub mod clock;
pub mod conformance;
pub mod ids;
pub mod log;
pub mod scratch;
pub mod server;

pub mod jwt;
pub mod kubernetes;

pub mod iam;
pub mod imds;
pub mod pod_identity_agent;
pub mod sts;

pub mod s3;

pub mod client;

#[cfg(feature = "mocks")]
pub mod mocks;

mod xml;

/// A panic in one test's task must not take the emulator down with it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
