//! The log on stderr: only of this workspace's crates, since others may print what they were sent.

use tracing::Metadata;
use tracing_subscriber::filter::{EnvFilter, LevelFilter, filter_fn};
use tracing_subscriber::prelude::*;

use crate::arguments::LogFormat;

/// Starts the log. Call it once.
pub(crate) fn init(format: LogFormat) {
    let level =
        EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let ours = filter_fn(is_ours);
    let log = tracing_subscriber::registry().with(level);
    match format {
        LogFormat::Text => log.with(lines.with_filter(ours)).init(),
        LogFormat::Json => log.with(lines.json().with_filter(ours)).init(),
    }
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    let name = metadata.target().split("::").next().unwrap_or_default();
    name.starts_with("s3_credential_") || name.starts_with("s3_csi_")
}
