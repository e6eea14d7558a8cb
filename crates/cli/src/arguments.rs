//! The command line, as the documentation promises it.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use s3_credential_core::ErrorKind;

use crate::error::exit_status;

/// Provides, explains and removes the credentials of an S3 volume that is mounted with Mountpoint for Amazon S3.
///
/// The environment variables are the driver's: AWS_*, EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI, KUBECONFIG, ...
#[derive(Debug, Parser)]
#[command(name = "s3cred", version, after_help = kinds_help(), propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Decide a volume's credentials and deliver them
    Provide(ProvideArguments),
    /// Remove what was provided for a volume
    Cleanup(CleanupArguments),
    /// Tell which AWS region applies, and which resolver says so
    Region(RegionArguments),
    /// Tell what `provide` would do and why; writes nothing
    Explain(ExplainArguments),
    /// Print exchanged keys as an AWS `credential_process` does
    Process(ProcessArguments),
    /// Keep volumes fresh until SIGTERM or SIGINT, then clean up
    Serve(ServeArguments),
    /// See volumes get, keep and lose their credentials, against emulators in this process
    Demo(DemoArguments),
    /// Check a configuration file, or print what there is to configure
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Tell every problem of a configuration file, with line and column
    Check(ConfigCheckArguments),
    /// Print the JSON Schema of configuration files
    Schema,
    /// Print the default configuration, each key with its meaning
    Default,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigCheckArguments {
    /// The configuration file (YAML; JSON is a subset); `-` reads it from standard input
    #[arg(value_name = "FILE|-", value_parser = path())]
    pub(crate) file: PathBuf,
    /// How to print the problems
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) output: ReportFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Lines for a person
    Text,
    /// One JSON object
    Json,
    /// KEY='value' lines for a POSIX shell
    Env,
}

impl Command {
    pub(crate) fn format(&self) -> Format {
        match self {
            Self::Provide(arguments) => arguments.output.into(),
            Self::Cleanup(CleanupArguments { output, .. })
            | Self::Region(RegionArguments { output, .. })
            | Self::Explain(ExplainArguments { output, .. }) => (*output).into(),
            Self::Serve(_) | Self::Process(_) => Format::Json,
            // The demo prints one object of its own, whatever happens.
            Self::Config(ConfigCommand::Check(arguments)) => arguments.output.into(),
            Self::Demo(_) | Self::Config(ConfigCommand::Schema | ConfigCommand::Default) => {
                Format::Text
            }
        }
    }
}

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
pub(crate) struct ProvideArguments {
    #[command(flatten)]
    pub(crate) request: RequestArgument,
    #[command(flatten)]
    pub(crate) write_path: WritePathArgument,
    #[command(flatten)]
    pub(crate) mount: MountArguments,
    #[command(flatten)]
    pub(crate) choices: ChoiceArguments,
    #[command(flatten)]
    pub(crate) state: StateArgument,
    #[command(flatten)]
    pub(crate) config: ConfigArgument,
    /// How to print what was provided
    #[arg(long, value_enum, default_value = "json")]
    pub(crate) output: ProvideFormat,
    /// Print the values of plain key variables instead of masking them
    #[arg(long)]
    pub(crate) reveal: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CleanupArguments {
    #[command(flatten)]
    pub(crate) request: RequestArgument,
    #[command(flatten)]
    pub(crate) write_path: WritePathArgument,
    #[command(flatten)]
    pub(crate) pod: PodArguments,
    #[command(flatten)]
    pub(crate) state: StateArgument,
    #[command(flatten)]
    pub(crate) config: ConfigArgument,
    /// How to print what was removed
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) output: ReportFormat,
}

#[derive(Debug, Args)]
pub(crate) struct RegionArguments {
    #[command(flatten)]
    pub(crate) request: RequestArgument,
    #[command(flatten)]
    pub(crate) config: ConfigArgument,
    /// How to print the region
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) output: ReportFormat,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    #[command(flatten)]
    pub(crate) request: RequestArgument,
    #[command(flatten)]
    pub(crate) mount: MountArguments,
    #[command(flatten)]
    pub(crate) choices: ChoiceArguments,
    #[command(flatten)]
    pub(crate) state: StateArgument,
    #[command(flatten)]
    pub(crate) config: ConfigArgument,
    /// How to print the explanation
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) output: ReportFormat,
}

#[derive(Debug, Args)]
pub(crate) struct ProcessArguments {
    #[command(flatten)]
    pub(crate) request: RequestArgument,
    #[command(flatten)]
    pub(crate) pod: PodArguments,
    /// The role to assume with the pod's token, before mapping and annotation
    #[arg(long, value_name = "ARN")]
    pub(crate) role_arn: Option<String>,
    #[command(flatten)]
    pub(crate) config: ConfigArgument,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// A CSI request as JSON, or a folder of `*.json`; a changed file is a republish, a removed one an unpublish
    #[arg(long, value_name = "FILE|DIR", required = true, value_parser = path())]
    pub(crate) request: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) write_path: WritePathArgument,
    #[command(flatten)]
    pub(crate) mount: MountArguments,
    #[command(flatten)]
    pub(crate) choices: ChoiceArguments,
    #[command(flatten)]
    pub(crate) state: StateArgument,
    #[command(flatten)]
    pub(crate) config: ConfigArgument,
    /// Leave everything for the next start instead of cleaning up
    #[arg(long)]
    pub(crate) keep: bool,
    /// Print the values of plain key variables instead of masking them
    #[arg(long)]
    pub(crate) reveal: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// How to print what happened
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) output: ReportFormat,
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
    /// How credentials are delivered [default: by their form, delegated for tokens, profile for keys]
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

/// An empty path is told by what needs one; where none is needed it is an unset one.
fn path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

fn kinds_help() -> String {
    let mut help = String::from(
        "Exit status: 0 done; 2 bad usage or INVALID_ARGUMENT; 3 FAILED_PRECONDITION or NOT_FOUND; 4 PERMISSION_DENIED or \
         UNAUTHENTICATED; 5 try again (UNAVAILABLE, ABORTED, RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED); 1 INTERNAL.\n\n\
         Kinds of errors, with exit status:\n",
    );
    for kind in ErrorKind::ALL {
        let status = exit_status(kind.code());
        let _ = writeln!(help, "  {:<29} {status}  {}", kind.as_str(), kind.description());
    }
    help
}
