//! A mounter in a temporary directory.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use s3_csi_mounter::{ClientError, Message, Operation, Reply, Server, Sockets, Variables};
use tempfile::TempDir;

pub(crate) const TIMEOUT: Duration = Duration::from_mins(1);

/// Says what it was started with, is ready, and ends when its device is closed, as Mountpoint does
/// after the unmount.
const PROGRAM: &str = "#!/bin/bash
echo \"arguments $*\"
echo \"variables $(tr '\\0' ' ' </proc/$$/environ)\"
[ \"$1\" = denied ] && echo 'Error: Access Denied' >&2 && exit 3
echo \"bucket $1 is mounted at $2\"
exec cat <&\"${2##*/}\"
";

pub(crate) struct World {
    pub(crate) scratch: TempDir,
    pub(crate) sockets: Sockets,
}

impl World {
    pub(crate) fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        // The users of mounts start the program.
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let program = scratch.path().join("mount-s3");
        fs::write(&program, PROGRAM).unwrap();
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
        let sockets = Sockets::new(scratch.path().join("mounter"));
        Self { scratch, sockets }
    }

    /// Starts one more mounter, which is the newest from then on.
    pub(crate) fn start(&self) -> Server {
        let directory = self.scratch.path().join("mounter");
        let program = self.scratch.path().join("mount-s3");
        let server = Server::bind(&directory, program, "70000-70010".parse().unwrap()).unwrap();
        server.serve().unwrap();
        server
    }

    /// Mounts, and returns the answer with what unmounts.
    pub(crate) fn mount(&self, message: &Message) -> (Result<Reply, ClientError>, io::PipeWriter) {
        let (device, unmount) = io::pipe().unwrap();
        (self.sockets.mount(message, OwnedFd::from(device), TIMEOUT), unmount)
    }

    /// Returns the last lines of a mount's process, with its number.
    pub(crate) fn process(&self, id: &str) -> (Option<u32>, String) {
        let all = self.sockets.processes().unwrap();
        let found = all.into_iter().find(|process| process.volume_id == id).unwrap();
        (found.pid, found.last_lines)
    }

    /// Waits until a condition holds; the end of a process is reported by a thread.
    pub(crate) fn wait_until(mut holds: impl FnMut() -> bool) {
        while !holds() {
            std::thread::yield_now();
        }
    }
}

pub(crate) fn message(id: &str, bucket: &str) -> Message {
    let mut message = Message::new(Operation::Mount, id);
    bucket.clone_into(&mut message.bucket_name);
    message.args = vec!["--foreground".to_owned()];
    message.env = Variables(vec!["AWS_REGION=eu-north-1".to_owned()]);
    message
}
