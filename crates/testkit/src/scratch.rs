//! A directory of one's own, for the files that a driver would find: tokens, kubeconfigs, write
//! paths.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::ids;

/// A directory that only its owner can enter (0700). It is removed with this value and its content.
///
/// ```
/// use s3_credential_testkit::scratch::Scratch;
///
/// # fn main() -> std::io::Result<()> {
/// let scratch = Scratch::new_in(std::env::temp_dir(), "example")?;
/// let token = scratch.write("token", "first")?;
/// scratch.write("token", "second")?;
/// assert_eq!(std::fs::read_to_string(&token)?, "second");
/// drop(scratch);
/// assert!(!token.exists());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Makes a directory in `parent`, whose name starts with `prefix`.
    pub fn new_in(parent: impl AsRef<Path>, prefix: &str) -> io::Result<Self> {
        let path = parent.as_ref().canonicalize()?.join(format!("{prefix}-{}", ids::uuid()));
        private_directory(&path)?;
        Ok(Self { path })
    }

    /// Returns the directory, without symbolic links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a directory in it, 0700.
    pub fn directory(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        private_directory(&path)?;
        Ok(path)
    }

    /// Writes a file in it, 0600, or replaces the one that is there as the kubelet does: a reader
    /// sees the old bytes or the new ones.
    pub fn write(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        let new = self.path.join(format!("{name}.{}", ids::uuid()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&new, &path)?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // `drop` cannot report it; only the owner can enter what stays behind.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}
