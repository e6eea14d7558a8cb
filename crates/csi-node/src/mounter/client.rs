//! The mounters of this node, over their sockets.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use s3_csi_mounter::{ClientError, Message, Operation, Reply, Sockets, Variables};

use super::{MountCommand, MountOwner, Mounter, MounterError, RunningMount};
use crate::mount_id::MountId;

/// Asks the processes of `s3-csi-mounter`.
#[derive(Debug, Clone)]
pub struct SocketMounter {
    sockets: Sockets,
    mount_timeout: Duration,
}

impl SocketMounter {
    /// Returns the mounters that listen in a directory. Mountpoint may take this long to be ready.
    pub fn new(directory: PathBuf, mount_timeout: Duration) -> Self {
        Self { sockets: Sockets::new(directory), mount_timeout }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Sockets) -> Result<T, ClientError> + Send + 'static,
    ) -> Result<T, MounterError> {
        let sockets = self.sockets.clone();
        let asked = tokio::task::spawn_blocking(move || ask(&sockets)).await;
        match asked {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(ClientError::Unreachable(why))) => Err(MounterError::Unreachable(why)),
            Ok(Err(ClientError::TimedOut)) => Err(MounterError::TimedOut),
            Ok(Err(error)) => Err(MounterError::Refused(error.to_string())),
            Err(error) => Err(MounterError::Refused(error.to_string())),
        }
    }
}

/// A mounter that does not answer says as little about its mounts as one that does not listen.
fn as_unreachable(error: MounterError) -> MounterError {
    match error {
        MounterError::TimedOut => MounterError::Unreachable("it does not answer".to_owned()),
        error => error,
    }
}

fn unexpected(reply: Reply) -> MounterError {
    match reply {
        Reply::Failed { status, stderr } => MounterError::Failed { status, stderr },
        Reply::Refused { reason } => MounterError::Refused(reason),
        _ => MounterError::Refused("its answer is not the one that was asked for".to_owned()),
    }
}

#[async_trait]
impl Mounter for SocketMounter {
    async fn reserve(&self, id: &MountId) -> Result<MountOwner, MounterError> {
        let id = id.clone();
        let asked = self.blocking(move |sockets| sockets.reserve(id.as_str())).await;
        match asked.map_err(as_unreachable)? {
            Reply::Reserved { uid, gid } => Ok(MountOwner { uid, gid }),
            reply => Err(unexpected(reply)),
        }
    }

    async fn mount(&self, command: MountCommand, device: OwnedFd) -> Result<(), MounterError> {
        let mut message = Message::new(Operation::Mount, command.id.as_str());
        message.bucket_name = command.bucket;
        message.args = command.arguments;
        let variables = command.environment.iter();
        message.env = Variables(
            variables.map(|(name, value)| format!("{name}={}", value.expose())).collect(),
        );
        let timeout = self.mount_timeout;
        match self.blocking(move |sockets| sockets.mount(&message, device, timeout)).await? {
            Reply::Ready => Ok(()),
            reply => Err(unexpected(reply)),
        }
    }

    async fn list(&self) -> Result<Vec<RunningMount>, MounterError> {
        let entries = self.blocking(Sockets::processes).await.map_err(as_unreachable)?;
        let running = entries.into_iter().filter_map(|entry| {
            let id = MountId::parse(&entry.volume_id)?;
            Some(RunningMount { id, pid: entry.pid, last_lines: entry.last_lines })
        });
        Ok(running.collect())
    }

    async fn reservations(&self) -> Result<Vec<MountId>, MounterError> {
        let ids = self.blocking(Sockets::reservations).await.map_err(as_unreachable)?;
        Ok(ids.iter().filter_map(|id| MountId::parse(id)).collect())
    }

    async fn stop(&self, id: &MountId) -> Result<(), MounterError> {
        let id = id.clone();
        self.blocking(move |sockets| sockets.stop(id.as_str())).await
    }
}
