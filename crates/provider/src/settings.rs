//! What a driver or an operator can choose about providing, beside the chains.

use std::path::PathBuf;
use std::time::Duration;

use s3_credential_core::{Consumer, Delivery, Environment, names};
use s3_credential_delivery::FileOptions;

/// The choices that are not plug-ins. The defaults are those of the documentation.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// Where leases are remembered. See [`default_state_path`].
    pub state_path: PathBuf,
    /// How credentials are delivered; by their form's own delivery where unset.
    pub delivery: Option<Delivery>,
    /// Who reads the environment.
    pub consumer: Consumer,
    /// Modes and owner of the files.
    pub files: FileOptions,
    /// Whether an inline volume, which a tenant writes, may use the driver's credentials.
    pub allow_ephemeral_driver_level: bool,
    /// How long one `provide` may take in all.
    pub deadline: Duration,
}

impl Settings {
    /// The defaults for a driver with this environment.
    pub fn new(environment: &Environment) -> Self {
        Self {
            state_path: default_state_path(environment),
            delivery: None,
            consumer: Consumer::default(),
            files: FileOptions::default(),
            allow_ephemeral_driver_level: false,
            deadline: Duration::from_secs(30),
        }
    }
}

/// `/run/s3cred` for root, else `$XDG_RUNTIME_DIR/s3cred`, else a folder of one's own in the temp directory.
pub fn default_state_path(environment: &Environment) -> PathBuf {
    let uid = s3_credential_delivery::effective_uid();
    if uid == 0 {
        return PathBuf::from("/run/s3cred");
    }
    match environment.get(names::XDG_RUNTIME_DIR) {
        Some(runtime) => PathBuf::from(runtime).join("s3cred"),
        None => PathBuf::from(environment.get(names::TMPDIR).unwrap_or("/tmp"))
            .join(format!("s3cred-{uid}")),
    }
}
