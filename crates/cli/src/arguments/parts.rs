//! What several commands have in common.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, ValueEnum};

use super::Format;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProvideFormat {
    /// One JSON object
    Json,
    /// KEY='value' lines for a POSIX shell
    Env,
}

impl From<ProvideFormat> for Format {
    fn from(format: ProvideFormat) -> Self {
        match format {
            ProvideFormat::Json => Self::Json,
            ProvideFormat::Env => Self::Env,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ServeFormat {
    /// One JSON object on a line for each publish
    Json,
}

impl From<ServeFormat> for Format {
    fn from(ServeFormat::Json: ServeFormat) -> Self {
        Self::Json
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// Lines for a person
    Text,
    /// One JSON object
    Json,
}

impl From<ReportFormat> for Format {
    fn from(format: ReportFormat) -> Self {
        match format {
            ReportFormat::Text => Self::Text,
            ReportFormat::Json => Self::Json,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct RequestArgument {
    /// The CSI request as JSON; `-` reads it from standard input
    #[arg(long, value_name = "FILE|-", value_parser = path())]
    pub(crate) request: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct WritePathArgument {
    /// The existing directory under which credential files are written
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub(crate) write_path: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct StateArgument {
    /// Where leases are remembered [default: /run/s3cred for root, else $XDG_RUNTIME_DIR/s3cred]
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub(crate) state_path: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgument {
    /// The chain file (YAML; JSON is a subset)
    #[arg(long, value_name = "FILE", value_parser = path())]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct PodArguments {
    /// How Mountpoint is run
    #[arg(long, value_enum, default_value = "pod")]
    pub(crate) mount_kind: MountKind,
    /// The uid of the Mountpoint pod, where several workloads share one
    #[arg(long, value_name = "UID")]
    pub(crate) mountpoint_pod_uid: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct MountArguments {
    #[command(flatten)]
    pub(crate) pod: PodArguments,
    /// The write path as Mountpoint sees it [default: the write path]
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub(crate) env_path: Option<PathBuf>,
    /// The role to assume with the pod's token, before mapping and annotation
    #[arg(long, value_name = "ARN")]
    pub(crate) role_arn: Option<String>,
    /// Whether Mountpoint runs with what was provided before [default: what the lease table says]
    #[arg(long, value_enum)]
    pub(crate) mounted: Option<YesNo>,
}

#[derive(Debug, Args)]
pub(crate) struct ChoiceArguments {
    /// How credentials are delivered [default: by their form, delegated for tokens, profile for
    /// keys]
    #[arg(long, value_enum)]
    pub(crate) delivery: Option<Delivery>,
    /// Who reads the environment
    #[arg(long, value_enum, default_value = "mountpoint")]
    pub(crate) consumer: Consumer,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum YesNo {
    Yes,
    No,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum MountKind {
    /// In a pod of its own
    Pod,
    /// As a systemd unit on the node
    Systemd,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Delivery {
    /// A token file; Mountpoint exchanges by itself
    Delegated,
    /// AWS profile files with keys
    Profile,
    /// A loopback endpoint; only from `serve`
    Endpoint,
    /// Plain key variables; only long-term keys
    Environment,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Consumer {
    /// Mountpoint for Amazon S3
    Mountpoint,
    /// An AWS SDK or the AWS CLI
    Sdk,
}

/// Returns the parser of a path. The user of a required path reports an empty one; elsewhere it
/// counts as unset.
pub(super) fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}
