//! The command line, as the documentation promises it.

mod commands;
mod help;
mod parts;

use clap::{Parser, Subcommand, ValueEnum};

pub(crate) use commands::*;
pub(crate) use parts::*;

/// Provides, explains and removes the credentials of an S3 volume that is mounted with Mountpoint
/// for Amazon S3.
///
/// Requests are CSI requests (NodePublishVolume, NodeUnpublishVolume) as JSON, with lowerCamelCase
/// or proto names; unknown fields are ignored, and an empty value is an unset one. The environment
/// is that of the CSI driver.
#[derive(Debug, Parser)]
#[command(
    name = "s3cred",
    version = crate::version::VERSION,
    propagate_version = true,
    max_term_width = help::WIDTH,
    after_help = "`s3cred --help` lists exit statuses, kinds of errors, environment, files and examples.",
    after_long_help = help::overview()
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Decide a volume's credentials and deliver them
    ///
    /// Asks the sources of the volume's authentication level in their order, and writes the
    /// credentials of the first that applies. It is atomic: a failure removes what it wrote, and
    /// leaves a mounted volume unchanged. For a volume that was provided before it is a republish,
    /// which renews the volume's identity.
    #[command(after_long_help = help::provide())]
    Provide(ProvideArguments),
    /// Remove what was provided for a volume
    ///
    /// To be called after the unmount. The files go with the last target path that holds the lease.
    /// Needs no more of the request than its volume id and target path, and may be repeated.
    #[command(after_long_help = help::cleanup())]
    Cleanup(CleanupArguments),
    /// Print which AWS region applies, and which resolver gave it
    #[command(after_long_help = help::region())]
    Region(RegionArguments),
    /// Show what `provide` would do and why, without writing
    ///
    /// Every source that was asked, with its outcome, reason and duration, and what to do; the role
    /// and who named it; the region; the delivery; the time of the next refresh. It fails as
    /// `provide` would, with the same error and exit status.
    #[command(after_long_help = help::explain())]
    Explain(ExplainArguments),
    /// Print exchanged keys as an AWS `credential_process` does
    #[command(after_long_help = help::process())]
    Process(ProcessArguments),
    /// Keep volumes fresh until SIGTERM or SIGINT, then clean up
    ///
    /// Provides for each request file, and renews before anything expires. A changed file is a
    /// republish, a removed one an unpublish.
    #[command(after_long_help = help::serve())]
    Serve(ServeArguments),
    /// Check a configuration file, or print what there is to configure
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look at everything that credentials come from, go through or are written to
    ///
    /// The driver's environment, the region, IMDS and its hop limit, STS through the proxy, the EKS
    /// Pod Identity agent, the Kubernetes API and what the driver may do there, the clock, the
    /// directories. It makes no change, and ends within 10 seconds.
    #[command(after_long_help = help::doctor())]
    Doctor(DoctorArguments),
    /// Print what is mounted, as whom, until when, and what the last refresh said
    ///
    /// Reads the records of the state path, without a lock and without a request to any service.
    /// Makes no change, and prints no secret.
    #[command(after_long_help = help::leases())]
    Leases(SurveyArguments),
    /// Print the identity of each volume, why it has it, and the least IAM policy that its mount
    /// options need
    ///
    /// Reads the records of the state path, as `leases` does. The policy is the session policy that
    /// `scope: volume` would set.
    #[command(after_long_help = help::audit())]
    Audit(SurveyArguments),
    /// Print the completion script of a shell
    #[command(after_long_help = help::completions())]
    Completions(CompletionsArguments),
    /// Print a manual page, of `s3cred` or of one of its commands
    #[command(after_long_help = help::man())]
    Man(ManArguments),
    /// See volumes get, keep and lose their credentials, against emulators in this process
    #[command(after_long_help = help::demo())]
    Demo(DemoArguments),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Report every problem of a configuration file, with line and column
    #[command(after_long_help = help::config_check())]
    Check(ConfigCheckArguments),
    /// Print the JSON Schema of configuration files
    Schema,
    /// Print the default configuration, each key with its meaning
    Default,
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
            | Self::Explain(ExplainArguments { output, .. })
            | Self::Leases(SurveyArguments { output, .. })
            | Self::Audit(SurveyArguments { output, .. })
            | Self::Doctor(DoctorArguments { output, .. }) => (*output).into(),
            Self::Config(ConfigCommand::Check(arguments)) => arguments.output.into(),
            Self::Serve(arguments) => arguments.output.into(),
            Self::Process(_) => Format::Json,
            // The demo prints one object of its own, whatever happens.
            Self::Demo(_)
            | Self::Completions(_)
            | Self::Man(_)
            | Self::Config(ConfigCommand::Schema | ConfigCommand::Default) => Format::Text,
        }
    }
}
