//! The name of a mount on this node, and where its directories are.

use std::fmt;
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};

/// Identifies the mount of one volume at one target path. It is derived from both, so that an
/// unpublish finds what a publish made without any record.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MountId(String);

/// 16 of the digest's bytes: enough for no two mounts of a node to clash.
const DIGEST_LEN: usize = 16;

impl MountId {
    /// Returns the id of this volume at this target path.
    pub fn new(volume_id: &str, target_path: &str) -> Self {
        let mut context = Context::new(&SHA256);
        // The length first: no two pairs are the same bytes.
        context.update(&(volume_id.len() as u64).to_be_bytes());
        context.update(volume_id.as_bytes());
        context.update(target_path.as_bytes());
        let digest = context.finish();
        Self(digest.as_ref()[..DIGEST_LEN].iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Returns the id that a directory's or a process's name is, if it is one.
    pub fn parse(name: &str) -> Option<Self> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (name.len() == 2 * DIGEST_LEN && name.bytes().all(is_hex)).then(|| Self(name.to_owned()))
    }

    /// Returns the name: lower-case hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The driver's own directory on the host.
#[derive(Debug, Clone)]
pub struct PluginDirectory(PathBuf);

impl PluginDirectory {
    /// Returns the layout of this directory.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Returns the directory itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the directory of all source mounts.
    pub fn mounts(&self) -> PathBuf {
        self.0.join("mounts")
    }

    /// Returns the directory of all mounts' credentials.
    pub fn credentials(&self) -> PathBuf {
        self.0.join("credentials")
    }

    /// Returns where Mountpoint's file system is mounted; the target path is a bind mount of it.
    pub fn source(&self, id: &MountId) -> PathBuf {
        self.mounts().join(id.as_str())
    }

    /// Returns where the mount's credential files are written.
    pub fn credentials_of(&self, id: &MountId) -> PathBuf {
        self.credentials().join(id.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_by_volume_and_target_and_are_read_back() {
        let id = MountId::new("v", "/t");
        assert_ne!(id, MountId::new("v/", "t"));
        assert_ne!(id, MountId::new("v", "/u"));
        assert_eq!(MountId::parse(id.as_str()), Some(id));
        for name in ["", "..", "0123456789abcdef0123456789ABCDEF", "0123456789abcdef"] {
            assert_eq!(MountId::parse(name), None, "{name}");
        }
    }
}
