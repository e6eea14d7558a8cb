//! The mounter's socket: one thread for each message.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::client::Sockets;
use crate::descriptors;
use crate::message::{Message, Operation, Reply};
use crate::processes::{AtEnd, Processes};
use crate::users::{UserRange, Users};
use crate::wire;

/// How long a sender may take for its message.
const RECEIVE_TIMEOUT: Duration = Duration::from_secs(15);

const STACK: usize = 256 << 10;

/// A mounter that listens. Its socket goes with it.
#[derive(Debug)]
pub struct Server {
    path: PathBuf,
    listener: UnixListener,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    processes: Processes,
    users: Arc<Users>,
    /// How many mounts without a name there were.
    unnamed: AtomicU64,
    /// Whether processes can be started as other users.
    is_root: bool,
}

impl Server {
    /// Listens in a directory, as the newest generation. Sockets without a server are removed.
    pub fn bind(directory: &Path, program: PathBuf, range: UserRange) -> io::Result<Self> {
        descriptors::keep_from_children()?;
        fs::create_dir_all(directory)?;
        let sockets = Sockets::new(directory);
        let mut newest = 0;
        for (generation, path) in sockets.list() {
            newest = newest.max(generation);
            if UnixStream::connect(&path).is_err() {
                fs::remove_file(&path)?;
            }
        }
        let path = sockets.path(newest + 1);
        let users = Users::open(&directory.join("users"), range)?;
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        tracing::info!(socket = %path.display(), "listening");
        let state = State {
            processes: Processes::new(program),
            users: Arc::new(users),
            unnamed: AtomicU64::new(0),
            is_root: rustix::process::geteuid().is_root(),
        };
        Ok(Self { path, listener, state: Arc::new(state) })
    }

    /// Serves messages in threads of their own, and returns at once.
    pub fn serve(&self) -> io::Result<()> {
        let (listener, state) = (self.listener.try_clone()?, Arc::clone(&self.state));
        let accepting = move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                let answering = thread::Builder::new().stack_size(STACK);
                if let Err(error) = answering.spawn(move || state.answer(&stream)) {
                    tracing::warn!("cannot answer a message: {error}");
                }
            }
        };
        thread::Builder::new().stack_size(STACK).spawn(accepting).map(drop)
    }

    /// Takes no new mount from now on, and returns when the last process has ended.
    pub fn drain(&self) {
        self.state.processes.drain();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl State {
    fn answer(&self, stream: &UnixStream) {
        let received =
            stream.set_read_timeout(Some(RECEIVE_TIMEOUT)).and_then(|()| wire::receive(stream));
        let _unanswered = self.processes.begin_answer();
        let reply = match received {
            Ok((message, device)) => self.reply(&message, device),
            Err(error) => Reply::Refused { reason: error.to_string() },
        };
        if let Err(error) = wire::answer(stream, &reply) {
            tracing::debug!("a sender takes no answer: {error}");
        }
    }

    fn reply(&self, message: &Message, device: Option<OwnedFd>) -> Reply {
        let refused = |reason: &str| Reply::Refused { reason: reason.to_owned() };
        let id = message.volume_id.as_deref().unwrap_or_default();
        let is_about_all = matches!(message.operation, Operation::List | Operation::Reservations);
        let needs_id = !is_about_all && message.version.is_some();
        if (needs_id || !id.is_empty()) && !is_id(id) {
            return refused(
                "volumeId is missing, or has other characters than letters, digits, `.`, `_` and `-`",
            );
        }
        match message.operation {
            Operation::Reserve if self.processes.is_draining() => Reply::Draining,
            Operation::Mount => match device {
                None => refused("no descriptor comes with the message"),
                Some(_) if message.bucket_name.is_empty() => refused("bucketName is missing"),
                Some(_) if message.bucket_name.starts_with('-') => {
                    refused("bucketName is not the name of a bucket")
                }
                Some(device) => self.mount(message, device),
            },
            Operation::Reserve => match self.user(id) {
                Ok(uid) => Reply::Reserved { uid, gid: uid },
                Err(error) => Reply::Refused { reason: format!("cannot reserve a user: {error}") },
            },
            Operation::List => Reply::Mounts { mounts: self.processes.list() },
            Operation::Reservations => match self.users.mounts() {
                Ok(ids) => Reply::Reservations { ids },
                Err(error) => Reply::Refused { reason: format!("cannot list the users: {error}") },
            },
            Operation::Stop => {
                self.processes.stop(id);
                match self.users.release(id) {
                    Ok(()) => Reply::Ready,
                    Err(error) => {
                        Reply::Refused { reason: format!("cannot release a user: {error}") }
                    }
                }
            }
        }
    }

    fn mount(&self, message: &Message, device: OwnedFd) -> Reply {
        let id = message.volume_id.clone().filter(|id| !id.is_empty());
        let id = id.unwrap_or_else(|| self.unnamed());
        let uid = match self.user(&id) {
            Ok(uid) => uid,
            Err(error) => {
                return Reply::Refused { reason: format!("cannot reserve a user: {error}") };
            }
        };
        // The Go drivers send no `stop`.
        let at_end: Option<AtEnd> = message.version.is_none().then(|| {
            let users = Arc::clone(&self.users);
            Box::new(move |id: &str| release(&users, id)) as AtEnd
        });
        let is_transient = at_end.is_some();
        let user = self.is_root.then_some(uid);
        let reply = self.processes.mount(&id, message, device, user, at_end);
        if is_transient && matches!(reply, Reply::Failed { .. } | Reply::Draining) {
            release(&self.users, &id);
        }
        reply
    }

    /// Names a mount of a Go driver that has no name; several may be of one bucket.
    fn unnamed(&self) -> String {
        let number = self.unnamed.fetch_add(1, Ordering::Relaxed);
        format!("unnamed-{}-{number}", std::process::id())
    }

    /// Without root all processes have the mounter's own user: for developers.
    fn user(&self, id: &str) -> io::Result<u32> {
        if self.is_root {
            return self.users.reserve(id);
        }
        Ok(rustix::process::geteuid().as_raw())
    }
}

fn release(users: &Users, id: &str) {
    if let Err(error) = users.release(id) {
        tracing::warn!(mount = id, "cannot release a user: {error}");
    }
}

/// The most bytes of a mount's name: it is part of a file's name.
const MAX_ID_LEN: usize = 128;

fn is_id(id: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    id.len() <= MAX_ID_LEN
        && id.starts_with(|c: char| c.is_ascii_alphanumeric())
        && id.chars().all(is_plain)
}
