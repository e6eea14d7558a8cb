//! One Mountpoint process: started with exactly what its mount needs.

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use rustix::io::{FdFlags, fcntl_setfd};

use crate::message::Message;

/// While a descriptor is inheritable no other process may be started.
static STARTING: Mutex<()> = Mutex::new(());

const FOREGROUND: &str = "--foreground";

/// A process and the end of the pipe that it prints to.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) child: Child,
    pub(crate) output: io::PipeReader,
}

/// Starts Mountpoint: `program <bucket> /dev/fd/N <arguments>`, as a user of its own, in a process
/// group of its own, with the message's variables and no other, and no descriptor but the FUSE one.
/// No copy of that is kept: the kernel then ends the file system with its process.
pub(crate) fn start(
    program: &Path,
    message: &Message,
    device: OwnedFd,
    user: Option<u32>,
) -> io::Result<Started> {
    let (output, writer) = io::pipe()?;
    let mut command = Command::new(program);
    command
        .arg(&message.bucket_name)
        .arg(format!("/dev/fd/{}", device.as_raw_fd()))
        .args(&message.args)
        .args(foreground(&message.args))
        .env_clear()
        .envs(message.env.0.iter().filter_map(|variable| variable.split_once('=')))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .process_group(0);
    if let Some(user) = user {
        // As root this clears the supplementary groups, too.
        command.gid(user).uid(user);
    }
    let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    fcntl_setfd(&device, FdFlags::empty())?;
    let child = command.spawn();
    drop(device);
    Ok(Started { child: child?, output })
}

/// The Go drivers leave it to their mounter to keep Mountpoint in the foreground.
fn foreground(arguments: &[String]) -> Option<&'static str> {
    let is_set = arguments.iter().any(|word| word == FOREGROUND || word == "-f");
    (!is_set).then_some(FOREGROUND)
}
