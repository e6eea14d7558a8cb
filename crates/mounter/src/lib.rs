//! Runs the Mountpoint processes of a node, and outlives restarts of the node service.
//!
//! **In:** messages over a unix socket, each with at most one FUSE descriptor. **Out:** one process
//! for each mount, under a user of its own, and an answer: ready, failed with the end of its
//! output, a list. **Fails** with a [`Reply`] that says why.
//!
//! ```
//! use s3_csi_mounter::{Message, Operation};
//!
//! // The message of the Go drivers has neither a version nor an operation.
//! let message: Message = serde_json::from_str(r#"{"bucketName":"b","args":[],"env":[]}"#).unwrap();
//! assert_eq!(message.operation, Operation::Mount);
//! assert!(message.version.is_none());
//! ```

// In the order in which messages flow.
mod message;
mod wire;
mod client;

mod descriptors;
mod users;
mod output;
mod process;
mod processes;
mod server;

mod arguments;
mod start;

pub use client::{ClientError, Sockets};
pub use message::{Message, Operation, ProcessEntry, Reply, Variables};
pub use server::Server;
pub use start::run;
pub use users::UserRange;
