//! The owner, group and mode of written files.

use s3_credential_core::{ErrorKind, Failure, Owner};

/// The owner, group and mode of a volume's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "config",
    derive(serde::Deserialize, schemars::JsonSchema),
    serde(rename_all = "camelCase", deny_unknown_fields, default)
)]
pub struct FileOptions {
    /// Whether only the owner may read: 0700 and 0600, instead of 0750 and 0640.
    pub owner_only: bool,
    /// The owner of the files, instead of the driver's user and the write path's group. Requires
    /// `CAP_CHOWN`, except for a group of the driver's own.
    pub owner: Option<Owner>,
    /// The group of the files where no owner is set, instead of the write path's: the pod's
    /// `fsGroup`.
    #[cfg_attr(feature = "config", serde(skip))]
    pub group: Option<u32>,
}

impl FileOptions {
    /// Returns the permission bits of a file.
    pub fn file_mode(&self) -> u32 {
        if self.owner_only { 0o600 } else { 0o640 }
    }

    /// Returns the permission bits of the directory, but for an inherited setgid bit.
    pub fn directory_mode(&self) -> u32 {
        if self.owner_only { 0o700 } else { 0o750 }
    }

    pub(crate) fn check(&self) -> Result<(), Failure> {
        // To the kernel, -1 means that the owner stays unchanged.
        let owner = self.owner.map(|owner| [owner.uid, owner.gid]);
        if owner.into_iter().flatten().chain(self.group).any(|id| id == u32::MAX) {
            return Err(Failure::new(
                ErrorKind::InvalidConfiguration,
                "the owner's uid or gid is 4294967295, which no user or group can have",
            ));
        }
        Ok(())
    }
}
