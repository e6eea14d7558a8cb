//! The arguments of each command.

use std::path::PathBuf;

use clap::Args;

use super::parts::{
    ChoiceArguments, ConfigArgument, MountArguments, PodArguments, ProvideFormat, ReportFormat,
    RequestArgument, ServeFormat, StateArgument, WritePathArgument, path,
};

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
    /// Taken as all flags of `provide` are; keys are masked all the same
    #[arg(long)]
    pub(crate) reveal: bool,
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
    /// A CSI request as JSON, or a folder of `*.json`; a changed file is a republish, a removed one
    /// an unpublish
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
    /// How to print what was provided
    #[arg(long, value_enum, default_value = "json")]
    pub(crate) output: ServeFormat,
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
pub(crate) struct DoctorArguments {
    #[command(flatten)]
    pub(crate) config: ConfigArgument,
    /// A directory under which credential files are written, to be looked at, too
    #[arg(long, value_name = "DIR", value_parser = path())]
    pub(crate) write_path: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) state: StateArgument,
    /// How to print the checks
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) output: ReportFormat,
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

/// Of `leases` and `audit`.
#[derive(Debug, Args)]
pub(crate) struct SurveyArguments {
    #[command(flatten)]
    pub(crate) state: StateArgument,
    #[command(flatten)]
    pub(crate) config: ConfigArgument,
    /// How to print the report
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) output: ReportFormat,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell that reads the script
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// The command whose page is printed, such as `config check` [default: the page of `s3cred`]
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}
