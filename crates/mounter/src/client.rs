//! The node service's side: the sockets of all mounters of a node. Every call blocks.

use std::fmt;
use std::fs;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::message::{Message, Operation, ProcessEntry, Reply};
use crate::wire;

const PREFIX: &str = "mounter-";
const SUFFIX: &str = ".sock";

/// How long a mounter may take for a message that starts and stops no process.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How long it may take to stop a process: longer than the mounter waits before it kills one.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a mounter could not be asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientError {
    /// No mounter listens and takes new mounts.
    Unreachable(String),
    /// No answer within the time allowed.
    TimedOut,
    /// The connection broke, or the answer is none.
    Broken(io::Error),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => f.write_str(why),
            Self::TimedOut => f.write_str("no answer within the time allowed"),
            Self::Broken(error) => write!(f, "the connection to the mounter broke: {error}"),
        }
    }
}

impl std::error::Error for ClientError {}

/// The sockets of a node's mounters, one for each generation: the newest takes new mounts.
#[derive(Debug, Clone)]
pub struct Sockets(PathBuf);

impl Sockets {
    /// Returns the sockets in a directory.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self(directory.into())
    }

    /// Returns the sockets with their generations, the newest first.
    pub(crate) fn list(&self) -> Vec<(u64, PathBuf)> {
        let Ok(entries) = fs::read_dir(&self.0) else { return Vec::new() };
        let mut sockets: Vec<_> = entries
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                Some((generation(&path)?, path))
            })
            .collect();
        sockets.sort_unstable_by(|a, b| b.cmp(a));
        sockets
    }

    /// Returns the path of a generation's socket.
    pub(crate) fn path(&self, generation: u64) -> PathBuf {
        self.0.join(format!("{PREFIX}{generation}{SUFFIX}"))
    }

    /// Reserves a user for a mount at the newest mounter.
    pub fn reserve(&self, id: &str) -> Result<Reply, ClientError> {
        let message = Message::new(Operation::Reserve, id);
        self.newest(|stream| ask(stream, &message, None, TIMEOUT))
    }

    /// Starts Mountpoint at the newest mounter, and returns its answer. No copy of the descriptor
    /// is kept.
    pub fn mount(
        &self,
        message: &Message,
        device: OwnedFd,
        timeout: Duration,
    ) -> Result<Reply, ClientError> {
        let mut device = Some(device);
        self.newest(|stream| {
            // A copy goes to each mounter that is asked, and is closed once it is sent.
            let copy = match &device {
                Some(device) => device.try_clone().map_err(ClientError::Broken)?,
                None => return Err(ClientError::Unreachable("no descriptor is left".to_owned())),
            };
            let reply = ask(stream, message, Some(copy), timeout);
            if !matches!(reply, Ok(Reply::Draining)) {
                device = None;
            }
            reply
        })
    }

    /// Returns the processes of all mounters.
    pub fn processes(&self) -> Result<Vec<ProcessEntry>, ClientError> {
        let message = Message::new(Operation::List, "");
        let mut all = Vec::new();
        self.each(|stream| {
            if let Reply::Mounts { mounts } = ask(stream, &message, None, TIMEOUT)? {
                all.extend(mounts);
            }
            Ok(())
        })?;
        Ok(all)
    }

    /// Stops a mount's process, whichever mounter has it, and releases its user.
    pub fn stop(&self, id: &str) -> Result<(), ClientError> {
        let message = Message::new(Operation::Stop, id);
        self.each(|stream| match ask(stream, &message, None, STOP_TIMEOUT)? {
            Reply::Refused { reason } => Err(ClientError::Broken(io::Error::other(reason))),
            _ => Ok(()),
        })
    }

    /// Returns the mounts that have a user, which all mounters share.
    pub fn reservations(&self) -> Result<Vec<String>, ClientError> {
        let message = Message::new(Operation::Reservations, "");
        let mut all = Vec::new();
        self.each(|stream| {
            if let Reply::Reservations { ids } = ask(stream, &message, None, TIMEOUT)? {
                all = ids;
            }
            Ok(())
        })?;
        Ok(all)
    }

    fn each(
        &self,
        mut ask: impl FnMut(&UnixStream) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        let mut reached = false;
        for (_, path) in self.list() {
            // One that ended has left its socket: the next start of a mounter removes it.
            let Ok(stream) = UnixStream::connect(&path) else { continue };
            match ask(&stream) {
                Ok(()) => reached = true,
                // It ended meanwhile, with its last process.
                Err(ClientError::Broken(error)) if has_gone(&error) => {}
                Err(error) => return Err(error),
            }
        }
        if reached { Ok(()) } else { Err(self.unreachable()) }
    }

    fn newest(
        &self,
        mut ask: impl FnMut(&UnixStream) -> Result<Reply, ClientError>,
    ) -> Result<Reply, ClientError> {
        for (_, path) in self.list() {
            let Ok(stream) = UnixStream::connect(&path) else { continue };
            match ask(&stream)? {
                Reply::Draining => {}
                reply => return Ok(reply),
            }
        }
        Err(self.unreachable())
    }

    fn unreachable(&self) -> ClientError {
        ClientError::Unreachable(format!("no mounter listens in {}", self.0.display()))
    }
}

fn has_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    )
}

fn generation(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok()
}

fn ask(
    stream: &UnixStream,
    message: &Message,
    device: Option<OwnedFd>,
    timeout: Duration,
) -> Result<Reply, ClientError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => ClientError::TimedOut,
        _ => ClientError::Broken(error),
    };
    stream.set_read_timeout(Some(timeout)).map_err(failed)?;
    stream.set_write_timeout(Some(TIMEOUT)).map_err(failed)?;
    wire::send(stream, message, device.as_ref().map(|device| device.as_fd())).map_err(failed)?;
    drop(device);
    wire::read_reply(stream).map_err(failed)
}
