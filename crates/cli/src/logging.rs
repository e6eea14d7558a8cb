//! Logs: on stderr, only where RUST_LOG asks, and only our own.

use std::io::IsTerminal as _;

use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::prelude::*;

/// Other crates' logs are left out at every level: the AWS SDK prints a malformed answer of STS, keys included.
pub(crate) fn init() {
    let Ok(filter) = EnvFilter::try_from_default_env() else {
        return;
    };
    let ours = filter_fn(|metadata| {
        let target = metadata.target();
        target.starts_with("s3_credential") || target.starts_with("s3cred")
    });
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_filter(ours);
    tracing_subscriber::registry().with(filter).with(lines).init();
}
