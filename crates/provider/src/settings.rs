//! What a driver or an operator can choose about providing, beside the chains.

mod deliveries;
mod rotation;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use s3_credential_core::{Consumer, CredentialForm, Delivery, Environment, MountKind, names};
use s3_credential_delivery::FileOptions;

pub use deliveries::{Deliveries, FormDeliveries};
pub use rotation::RotationSettings;
pub(crate) use rotation::due_at;
#[cfg(feature = "yaml")]
pub(crate) use rotation::{ENDPOINT_READ_BEFORE, PROFILE_READ_EVERY};

/// The choices that are not plug-ins. The defaults are those of the documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// Where leases are remembered; [`default_state_path`] where unset.
    pub state_path: Option<PathBuf>,
    /// How credentials are delivered, whatever their form; by what is set for the form where unset.
    pub delivery: Option<Delivery>,
    /// How each form is delivered.
    pub deliveries: Deliveries,
    /// What a volume's credentials may do.
    pub scope: Scope,
    /// When credentials are renewed.
    pub rotation: RotationSettings,
    /// Who reads the environment.
    pub consumer: Consumer,
    /// Modes and owner of the files.
    pub files: FileOptions,
    /// The loopback endpoint.
    pub endpoint: EndpointSettings,
    /// Whether an inline volume, which a tenant writes, may use the driver's credentials.
    pub allow_ephemeral_driver_level: bool,
    /// How long one `provide` may take in all.
    pub deadline: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            state_path: None,
            delivery: None,
            deliveries: Deliveries::default(),
            scope: Scope::default(),
            rotation: RotationSettings::default(),
            consumer: Consumer::default(),
            files: FileOptions::default(),
            endpoint: EndpointSettings::default(),
            allow_ephemeral_driver_level: false,
            deadline: Duration::from_secs(30),
        }
    }
}

impl Settings {
    /// How this form is delivered to a Mountpoint that is run in this way.
    pub fn delivery_of(&self, kind: MountKind, form: &CredentialForm) -> Delivery {
        self.chosen_delivery(kind, form).unwrap_or_else(|| Delivery::default_for(form))
    }

    /// The delivery that somebody chose for it.
    pub(crate) fn chosen_delivery(
        &self,
        kind: MountKind,
        form: &CredentialForm,
    ) -> Option<Delivery> {
        self.delivery.or_else(|| self.deliveries.of(kind, form.kind()))
    }
}

/// What a volume's credentials may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Scope {
    /// All that the role may.
    #[default]
    Role,
    /// Only this volume's bucket and prefix, and only reading where it is read-only, by a session policy of STS. Of all forms only a web
    /// identity can be narrowed so, and only where the provider exchanges it: the delivery is profile or endpoint.
    Volume,
}

/// Where the loopback endpoint listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EndpointSettings {
    /// The address and port; where unset a port is chosen once.
    pub address: Option<SocketAddr>,
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
