//! From the command line to a running service.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use s3_credential_provider::{
    Config, Environment, Provider, Registry, ResumeOptions, default_state_path,
};
use tokio::signal::unix::{SignalKind, signal};

use crate::arguments::Arguments;
use crate::cluster::Cluster;
use crate::error::CallError;
use crate::grpc::NodeInfo;
use crate::logging;
use crate::mount_id::PluginDirectory;
use crate::mounter::{Mounter, SocketMounter};
use crate::mounts::{LinuxMounts, Mounts};
use crate::node::{MemoryBudget, Node, NodeOptions};
use crate::service::{ServiceOptions, serve};
use crate::socket::parse_endpoint;
use crate::topology::topology;
use crate::volume::VolumeStore;

/// Exit statuses: bad usage and a bad configuration, and a service that cannot start.
const BAD_USAGE: u8 = 2;
const CANNOT_START: u8 = 1;

/// Runs the node service of this process.
pub fn run(environment: Environment) -> ExitCode {
    let arguments = Arguments::parse();
    logging::init(arguments.log);
    match start(arguments, environment) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let status = match error.code {
                tonic::Code::InvalidArgument => BAD_USAGE,
                _ => CANNOT_START,
            };
            let _ = writeln!(std::io::stderr(), "s3-csi-node: {error}");
            ExitCode::from(status)
        }
    }
}

fn start(arguments: Arguments, environment: Environment) -> Result<(), CallError> {
    let config = read_config(given(arguments.config.as_deref()))?;
    if arguments.check {
        let name = arguments.config.as_deref().unwrap_or(Path::new("the default configuration"));
        let mut stdout = std::io::stdout();
        let _ = write!(stdout, "{}", config.report());
        if config.report().problems().is_empty() {
            let _ = writeln!(stdout, "{} is valid", name.display());
        }
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| CallError::internal(format!("cannot start the runtime: {error}")))?;
    let result = runtime.block_on(run_service(arguments, environment, config));
    // A look at a file system whose process hangs would keep this one.
    runtime.shutdown_background();
    result
}

/// Reads the configuration. Every problem goes to stdout, as with `s3cred config check`; the error
/// is the first.
fn read_config(file: Option<&Path>) -> Result<Config, CallError> {
    let registry = Registry::default();
    let Some(file) = file else {
        return Config::default_of(&registry).map_err(|failure| CallError::from(&failure));
    };
    let text = fs::read_to_string(file).map_err(|error| {
        CallError::invalid(format!(
            "cannot read the configuration {}: {error}; let --config name a YAML file",
            file.display()
        ))
    })?;
    Config::parse(&registry, &file.display().to_string(), &text).map_err(|report| {
        let _ = write!(std::io::stdout(), "{report}");
        CallError::from(s3_credential_provider::ProvideError::from(report))
    })
}

async fn run_service(
    arguments: Arguments,
    environment: Environment,
    config: Config,
) -> Result<(), CallError> {
    let cannot_listen = |error| CallError::internal(format!("cannot listen for signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot_listen)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot_listen)?;
    let stopping = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let settings = config.node().clone();
    let socket = parse_endpoint(&arguments.endpoint.unwrap_or_default())?;
    let plugin_dir = absolute("--plugin-dir", &arguments.plugin_dir.unwrap_or_default())?;
    let mounter_dir = match given(arguments.mounter_dir.as_deref()) {
        Some(directory) => absolute("--mounter-dir", directory)?,
        None => plugin_dir.join("mounter"),
    };
    let state_path = match given(arguments.state_path.as_deref()) {
        Some(path) => absolute("--state-path", path)?,
        None => default_state_path(&environment),
    };
    let info = NodeInfo {
        node_id: arguments.node_id.unwrap_or_default(),
        max_volumes: arguments.max_volumes.or(settings.max_volumes).unwrap_or_default(),
        topology: topology(&settings, &environment),
    };
    let options = ServiceOptions {
        socket_of_kubelet: socket_of_kubelet(&plugin_dir, &socket),
        socket,
        info,
        registration_dir: given(arguments.registration_dir.as_deref()).map(Path::to_owned),
        http: arguments.http,
        driver_name: arguments.driver_name,
    };
    let volumes = VolumeStore::open(&state_path).map_err(|failure| CallError::from(&failure))?;
    let is_known = |target: &str| volumes.all().iter().any(|record| record.target_path == target);
    let cluster = Cluster::new(
        &environment,
        &options.driver_name,
        &options.info.node_id,
        arguments.startup_taint.filter(|key| !key.is_empty()),
    );
    let starting = Provider::builder()
        .environment(environment)
        .config(config)
        .state_path(&state_path)
        .with_startup_jitter()
        .build()?
        .start(ResumeOptions { still_published: Some(&is_known), ..ResumeOptions::default() });
    let mut stopping = pin!(stopping);
    let provider = tokio::select! {
        provider = starting => provider?,
        () = &mut stopping => return Ok(()),
    };
    let node = Node::new(
        NodeOptions {
            mount_timeout: settings.mount_timeout,
            memory: settings.memory_budget.map(MemoryBudget),
            kubelet_dir: given(Some(&arguments.kubelet_dir)).map(Path::to_owned),
            user_agent: format!("{}/{}", options.driver_name, env!("CARGO_PKG_VERSION")),
        },
        PluginDirectory::new(plugin_dir),
        Arc::new(LinuxMounts) as Arc<dyn Mounts>,
        Arc::new(SocketMounter::new(mounter_dir, settings.mount_timeout)) as Arc<dyn Mounter>,
        provider,
        volumes,
    );
    node.report_to(cluster);
    serve(node, options, stopping).await
}

/// The kubelet sees the plugin directory at its host path, and the service may see it elsewhere.
fn socket_of_kubelet(plugin_dir: &Path, socket: &Path) -> PathBuf {
    match socket.file_name() {
        Some(name) if !socket.starts_with(plugin_dir) => plugin_dir.join(name),
        _ => socket.to_owned(),
    }
}

/// An empty path is an unset one.
fn given(path: Option<&Path>) -> Option<&Path> {
    path.filter(|path| !path.as_os_str().is_empty())
}

fn absolute(flag: &str, path: &Path) -> Result<PathBuf, CallError> {
    if path.is_absolute() {
        return Ok(path.to_owned());
    }
    Err(CallError::invalid(format!("{flag} is not an absolute path; name a directory of the host")))
}
