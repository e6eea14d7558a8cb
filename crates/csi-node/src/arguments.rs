//! The command line. Every flag has a variable `S3_CSI_<FLAG>`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Parser, ValueEnum};

const WIDTH: usize = 100;

/// The release, with the commit and time of the build where the build sets `S3_CSI_VERSION`, as the
/// image's does.
pub(crate) const VERSION: &str = match option_env!("S3_CSI_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

const AFTER_HELP: &str = "\
The environment is the driver's: AWS_*, KUBECONFIG and the others that `s3cred --help` lists. It reaches no mount.
RUST_LOG sets the level of the log (default: info).

Exit status: 0 after SIGTERM or SIGINT, and where --check finds no error; 2 for bad usage or a bad configuration, with
line and column; 1 where the service cannot start.";

/// A CSI node service for S3 volumes that are mounted with Mountpoint for Amazon S3.
///
/// It answers the kubelet's CSI calls over a unix socket, provides each volume's credentials and
/// keeps them fresh, and mounts volumes with processes of s3-csi-mounter. It may be restarted at
/// any time: no mount notices.
#[derive(Debug, Parser)]
#[command(name = "s3-csi-node", version = VERSION, max_term_width = WIDTH, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// The unix socket on which CSI calls are served
    #[arg(long, env = "S3_CSI_ENDPOINT", value_name = "URL", required_unless_present = "check")]
    pub(crate) endpoint: Option<String>,

    /// The name of this node in Kubernetes
    #[arg(long, env = "S3_CSI_NODE_ID", value_name = "NAME", required_unless_present = "check", value_parser = node_id)]
    pub(crate) node_id: Option<String>,

    /// The driver's own directory on the host: source mounts and credentials are beneath it
    #[arg(long, env = "S3_CSI_PLUGIN_DIR", value_name = "DIR", required_unless_present = "check")]
    pub(crate) plugin_dir: Option<PathBuf>,

    /// The kubelet's directory on the host; a target path outside of it is mounted all the same,
    /// with a warning in the log
    #[arg(
        long,
        env = "S3_CSI_KUBELET_DIR",
        value_name = "DIR",
        default_value = "/var/lib/kubelet"
    )]
    pub(crate) kubelet_dir: PathBuf,

    /// Where this service and s3-csi-mounter meet [default: `mounter` in the plugin directory]
    #[arg(long, env = "S3_CSI_MOUNTER_DIR", value_name = "DIR")]
    pub(crate) mounter_dir: Option<PathBuf>,

    /// Where volumes and leases are remembered [default: /run/s3cred for root]
    #[arg(long, env = "S3_CSI_STATE_PATH", value_name = "DIR")]
    pub(crate) state_path: Option<PathBuf>,

    /// The configuration file: chains of sources, and the section `node` [default: the
    /// documentation's]
    #[arg(long, env = "S3_CSI_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// The driver's name in Kubernetes
    #[arg(long, env = "S3_CSI_DRIVER_NAME", value_name = "NAME", default_value = "s3.csi.aws.com", value_parser = driver_name)]
    pub(crate) driver_name: String,

    /// The kubelet's plugin registry; without it the service does not register
    #[arg(long, env = "S3_CSI_REGISTRATION_DIR", value_name = "DIR")]
    pub(crate) registration_dir: Option<PathBuf>,

    /// The key of a taint that is removed from the node once the service is ready
    #[arg(long, env = "S3_CSI_STARTUP_TAINT", value_name = "KEY")]
    pub(crate) startup_taint: Option<String>,

    /// Serves /healthz, /readyz and /metrics at this address
    #[arg(long, env = "S3_CSI_HTTP", value_name = "ADDRESS:PORT")]
    pub(crate) http: Option<SocketAddr>,

    /// How many volumes the scheduler may place on this node [default: the configuration's, else
    /// unlimited]
    #[arg(long, env = "S3_CSI_MAX_VOLUMES", value_name = "N", value_parser = clap::value_parser!(u32).range(..=i64::from(i32::MAX)))]
    pub(crate) max_volumes: Option<u32>,

    /// How the log is written to stderr
    #[arg(long, env = "S3_CSI_LOG", value_name = "FORMAT", default_value = "text")]
    pub(crate) log: LogFormat,

    /// Checks the configuration and exits
    #[arg(long, env = "S3_CSI_CHECK", value_parser = FalseyValueParser::new())]
    pub(crate) check: bool,
}

/// The limits of the CSI specification.
fn node_id(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > 256 || text.chars().any(char::is_control) {
        return Err("expected 1 to 256 bytes without control characters".to_owned());
    }
    Ok(text.to_owned())
}

fn driver_name(text: &str) -> Result<String, String> {
    let is_edge = |c: char| c.is_ascii_alphanumeric();
    let is_inner = |c: char| is_edge(c) || matches!(c, '-' | '.');
    if text.len() <= 63
        && text.starts_with(is_edge)
        && text.ends_with(is_edge)
        && text.chars().all(is_inner)
    {
        return Ok(text.to_owned());
    }
    Err("expected the name of a domain, at most 63 bytes, such as s3.csi.aws.com".to_owned())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for a person
    Text,
    /// One JSON object a line
    Json,
}
