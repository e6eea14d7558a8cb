//! A mounter whose processes are a list.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Mutex;

use async_trait::async_trait;
use s3_csi_node::{MountCommand, MountId, MountOwner, Mounter, MounterError, RunningMount};
use tokio::sync::Semaphore;

#[derive(Debug)]
pub(crate) struct PlayedMounter {
    owner: MountOwner,
    state: Mutex<State>,
    /// Each mount takes a permit; there are plenty until a test closes the gate.
    gate: Semaphore,
    arrived: Semaphore,
}

#[derive(Debug, Default)]
struct State {
    running: BTreeMap<MountId, MountCommand>,
    /// Processes that have ended by themselves, with their last lines.
    ended: BTreeMap<MountId, String>,
    reserved: BTreeSet<MountId>,
    next: Option<MounterError>,
    is_unreachable: bool,
    mounted: usize,
}

impl PlayedMounter {
    /// Credentials can be given to the user that owns `path` without privileges.
    pub(crate) fn owning(path: &Path) -> Self {
        let found = std::fs::metadata(path).unwrap();
        Self {
            owner: MountOwner { uid: found.uid(), gid: found.gid() },
            state: Mutex::default(),
            gate: Semaphore::new(1_000),
            arrived: Semaphore::new(0),
        }
    }

    pub(crate) fn running(&self) -> Vec<MountId> {
        self.state.lock().unwrap().running.keys().cloned().collect()
    }

    /// The mounts that have a user.
    pub(crate) fn reserved(&self) -> Vec<MountId> {
        self.state.lock().unwrap().reserved.iter().cloned().collect()
    }

    pub(crate) fn command(&self, id: &MountId) -> MountCommand {
        self.state.lock().unwrap().running[id].clone()
    }

    /// How many processes were ever started.
    pub(crate) fn mounted(&self) -> usize {
        self.state.lock().unwrap().mounted
    }

    pub(crate) fn fail_next(&self, error: MounterError) {
        self.state.lock().unwrap().next = Some(error);
    }

    pub(crate) fn end(&self, id: &MountId, last_lines: &str) {
        let mut state = self.state.lock().unwrap();
        state.running.remove(id);
        state.ended.insert(id.clone(), last_lines.to_owned());
    }

    pub(crate) fn set_unreachable(&self, is_unreachable: bool) {
        self.state.lock().unwrap().is_unreachable = is_unreachable;
    }

    /// Mounts wait until the gate opens.
    pub(crate) fn close_gate(&self) {
        self.gate.forget_permits(1_000);
    }

    pub(crate) fn open_gate(&self) {
        self.gate.add_permits(1_000);
    }

    /// Waits until a mount waits at the gate.
    pub(crate) async fn arrival(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    fn check(&self) -> Result<(), MounterError> {
        if self.state.lock().unwrap().is_unreachable {
            return Err(MounterError::Unreachable("no socket".to_owned()));
        }
        Ok(())
    }
}

#[async_trait]
impl Mounter for PlayedMounter {
    async fn reserve(&self, id: &MountId) -> Result<MountOwner, MounterError> {
        self.check()?;
        self.state.lock().unwrap().reserved.insert(id.clone());
        Ok(self.owner)
    }

    async fn mount(&self, command: MountCommand, _: OwnedFd) -> Result<(), MounterError> {
        self.check()?;
        self.arrived.add_permits(1);
        let _permit = self.gate.acquire().await.unwrap();
        let mut state = self.state.lock().unwrap();
        if let Some(error) = state.next.take() {
            return Err(error);
        }
        state.mounted += 1;
        state.running.insert(command.id.clone(), command);
        Ok(())
    }

    async fn list(&self) -> Result<Vec<RunningMount>, MounterError> {
        self.check()?;
        let state = self.state.lock().unwrap();
        let running = state.running.keys().map(|id| RunningMount {
            id: id.clone(),
            pid: Some(1),
            last_lines: String::new(),
        });
        let ended = state.ended.iter().map(|(id, last_lines)| RunningMount {
            id: id.clone(),
            pid: None,
            last_lines: last_lines.clone(),
        });
        Ok(running.chain(ended).collect())
    }

    async fn reservations(&self) -> Result<Vec<MountId>, MounterError> {
        self.check()?;
        Ok(self.reserved())
    }

    async fn stop(&self, id: &MountId) -> Result<(), MounterError> {
        self.check()?;
        let mut state = self.state.lock().unwrap();
        state.running.remove(id);
        state.ended.remove(id);
        state.reserved.remove(id);
        Ok(())
    }
}
