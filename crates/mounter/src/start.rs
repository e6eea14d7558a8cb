//! From the command line to a running mounter.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::prelude::*;

use crate::arguments::{Arguments, LogFormat};
use crate::server::Server;

/// Runs the mounter of this process.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let level =
        EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(false);
    let log = tracing_subscriber::registry().with(level);
    match arguments.log {
        LogFormat::Text => log.with(lines).init(),
        LogFormat::Json => log.with(lines.json()).init(),
    }
    match serve(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(
                io::stderr(),
                "s3-csi-mounter: cannot serve in {}: {error}; check --mounter-dir",
                arguments.mounter_dir.display()
            );
            ExitCode::FAILURE
        }
    }
}

fn serve(arguments: &Arguments) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let server = Server::bind(
            &arguments.mounter_dir,
            arguments.mountpoint.clone(),
            arguments.uid_range,
        )?;
        server.serve()?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: no new mount is taken, and the mounter ends with its last one");
        server.drain();
        Ok(())
    })
}
