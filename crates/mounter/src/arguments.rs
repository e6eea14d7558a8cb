//! The command line. Every flag has a variable `S3_CSI_<FLAG>`.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::users::UserRange;

/// Runs the Mountpoint processes of a node for s3-csi-node.
///
/// Each mount has a process, a user and a group of its own. After SIGTERM no new mount is taken,
/// and the mounter ends with its last process, so that a newer one can serve beside it.
#[derive(Debug, Parser)]
#[command(
    name = "s3-csi-mounter",
    version,
    max_term_width = 100,
    after_help = "RUST_LOG sets the level of the log (default: info). Exit status: 0 after SIGTERM and the last mount; 2 for bad usage; 1 where\nthe mounter cannot start."
)]
pub(crate) struct Arguments {
    /// Where this process and s3-csi-node meet
    #[arg(long, env = "S3_CSI_MOUNTER_DIR", value_name = "DIR")]
    pub(crate) mounter_dir: PathBuf,

    /// The program that is started for each mount
    #[arg(long, env = "S3_CSI_MOUNTPOINT", value_name = "PROGRAM", default_value = "mount-s3")]
    pub(crate) mountpoint: PathBuf,

    /// The users, and groups of the same number, that mounts have
    #[arg(
        long,
        env = "S3_CSI_UID_RANGE",
        value_name = "FIRST-LAST",
        default_value = "65536-131071"
    )]
    pub(crate) uid_range: UserRange,

    /// How the log is written to stderr
    #[arg(long, env = "S3_CSI_LOG", value_name = "FORMAT", default_value = "text")]
    pub(crate) log: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for a person
    Text,
    /// One JSON object a line
    Json,
}
