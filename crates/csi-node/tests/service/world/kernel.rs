//! A kernel whose mount table is a list. Directories are real.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use s3_csi_node::{FuseOptions, MountEntry, Mounts, Usage};

#[derive(Debug, Default)]
pub(crate) struct PlayedKernel(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    entries: Vec<MountEntry>,
    devices: u32,
    log: Vec<String>,
    /// The operation that fails next.
    failing: Option<&'static str>,
    /// File systems whose process has ended.
    disconnected: Vec<PathBuf>,
}

impl PlayedKernel {
    pub(crate) fn entries(&self) -> Vec<MountEntry> {
        self.0.lock().unwrap().entries.clone()
    }

    pub(crate) fn fail_next(&self, operation: &'static str) {
        self.0.lock().unwrap().failing = Some(operation);
    }

    pub(crate) fn disconnect(&self, path: PathBuf) {
        self.0.lock().unwrap().disconnected.push(path);
    }

    pub(crate) fn mount(&self, path: &Path, file_system: &str, device: &str) {
        self.0.lock().unwrap().entries.push(MountEntry {
            path: path.to_owned(),
            file_system: file_system.to_owned(),
            source: file_system.to_owned(),
            device: device.to_owned(),
        });
    }

    pub(crate) fn forget(&self, path: &Path) {
        self.0.lock().unwrap().entries.retain(|entry| entry.path != path);
    }

    /// What was mounted and unmounted, in this order.
    pub(crate) fn log(&self) -> Vec<String> {
        self.0.lock().unwrap().log.clone()
    }

    fn begin(&self, operation: &str, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.log.push(format!("{operation} {}", path.display()));
        match state.failing {
            Some(failing) if failing == operation => {
                state.failing = None;
                Err(io::Error::from_raw_os_error(1))
            }
            _ => Ok(()),
        }
    }
}

impl Mounts for PlayedKernel {
    fn list(&self) -> io::Result<Vec<MountEntry>> {
        Ok(self.entries())
    }

    fn mount_fuse(&self, at: &Path, _: FuseOptions) -> io::Result<OwnedFd> {
        self.begin("fuse", at)?;
        let mut state = self.0.lock().unwrap();
        state.devices += 1;
        let device = format!("0:{}", state.devices);
        state.entries.push(MountEntry {
            path: at.to_owned(),
            file_system: "fuse".to_owned(),
            source: "mountpoint-s3".to_owned(),
            device,
        });
        Ok(fs::File::open("/dev/null")?.into())
    }

    fn bind(&self, source: &Path, target: &Path, _: bool) -> io::Result<()> {
        self.begin("bind", target)?;
        let mut state = self.0.lock().unwrap();
        let found = state.entries.iter().find(|entry| entry.path == source).cloned();
        let found = found.ok_or(io::ErrorKind::NotFound)?;
        state.entries.push(MountEntry { path: target.to_owned(), ..found });
        Ok(())
    }

    fn unmount(&self, path: &Path) -> io::Result<()> {
        self.begin("unmount", path)?;
        let mut state = self.0.lock().unwrap();
        let at = state.entries.iter().rposition(|entry| entry.path == path);
        state.entries.remove(at.ok_or(io::ErrorKind::InvalidInput)?);
        Ok(())
    }

    fn make_directory(&self, path: &Path, _: u32) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn give_directory(&self, _: &Path, _: u32, _: u32) -> io::Result<()> {
        Ok(())
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        match fs::remove_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    fn remove_tree(&self, path: &Path) -> io::Result<()> {
        self.begin("remove", path)?;
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    fn usage(&self, path: &Path) -> io::Result<Usage> {
        if self.0.lock().unwrap().disconnected.iter().any(|gone| gone == path) {
            return Err(rustix::io::Errno::NOTCONN.into());
        }
        Ok(Usage { total: 100, available: 60, inodes: 10, free_inodes: 5 })
    }

    fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        let Ok(entries) = fs::read_dir(path) else { return Ok(Vec::new()) };
        entries.map(|entry| Ok(entry?.file_name().into_string().unwrap())).collect()
    }
}
