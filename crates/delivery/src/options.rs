//! Who may read what is written.

use s3_credential_core::{ErrorKind, Failure};

/// Who may read a volume's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileOptions {
    /// Directory 0700 and files 0600, instead of 0750 and 0640.
    pub owner_only: bool,
    /// Who owns them, instead of the driver's user and the write path's group. Needs `CAP_CHOWN`, but for a group of the driver's own.
    pub owner: Option<Owner>,
}

/// A user and a group, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

impl FileOptions {
    /// The permission bits of a file.
    pub fn file_mode(&self) -> u32 {
        if self.owner_only { 0o600 } else { 0o640 }
    }

    /// The permission bits of the directory, but for an inherited setgid bit.
    pub fn directory_mode(&self) -> u32 {
        if self.owner_only { 0o700 } else { 0o750 }
    }

    pub(crate) fn check(&self) -> Result<(), Failure> {
        // To the kernel, -1 means that the owner stays as it is.
        match self.owner {
            Some(owner) if owner.uid == u32::MAX || owner.gid == u32::MAX => Err(Failure::new(
                ErrorKind::InvalidConfiguration,
                "the owner's uid or gid is 4294967295, which is nobody's",
            )),
            _ => Ok(()),
        }
    }
}
