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
#[cfg(feature = "yaml")]
pub(crate) use rotation::{ENDPOINT_READ_BEFORE, PROFILE_READ_EVERY};
pub(crate) use rotation::{due_at, later};

/// The settings that are no plug-ins' own. The defaults are those of the documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(
    feature = "yaml",
    derive(serde::Deserialize, schemars::JsonSchema),
    serde(rename_all = "camelCase", deny_unknown_fields, default)
)]
pub struct Settings {
    /// The directory of the driver's own in which leases are recorded. It outlives restarts. Where
    /// unset, `/run/s3cred` for root, else `$XDG_RUNTIME_DIR/s3cred`.
    #[cfg_attr(feature = "yaml", schemars(extend("format" = "absolute-path")))]
    pub state_path: Option<PathBuf>,
    /// The delivery of every form. Where unset, [`Settings::deliveries`] counts.
    #[cfg_attr(feature = "yaml", serde(skip))]
    pub delivery: Option<Delivery>,
    /// How credentials reach Mountpoint, by the way in which it is run and the form of the
    /// credentials.
    #[cfg_attr(feature = "yaml", serde(rename = "delivery"))]
    pub deliveries: Deliveries,
    /// What a volume's credentials allow: all that the role allows (`role`), or only what this
    /// volume needs (`volume`).
    pub scope: Scope,
    /// When credentials are renewed.
    pub rotation: RotationSettings,
    /// The program that reads the environment.
    #[cfg_attr(feature = "yaml", serde(skip))]
    pub consumer: Consumer,
    /// Modes and owner of the files.
    pub files: FileOptions,
    /// The loopback endpoint of the delivery `endpoint`.
    pub endpoint: EndpointSettings,
    /// Whether an inline (ephemeral) volume, which a tenant writes, may use the driver's own
    /// credentials.
    pub allow_ephemeral_driver_level: bool,
    /// Whether a token may be sent to another machine in clear text, where `AWS_ENDPOINT_URL_STS`
    /// is an http URL.
    pub allow_plain_http: bool,
    /// How long one `provide` may take in all.
    pub operation_timeout: Duration,
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
            allow_plain_http: false,
            operation_timeout: Duration::from_secs(90),
        }
    }
}

impl Settings {
    /// How this form is delivered to a Mountpoint that is run in this way.
    pub fn delivery_of(&self, kind: MountKind, form: &CredentialForm) -> Delivery {
        self.chosen_delivery(kind, form).unwrap_or_else(|| Delivery::default_for(form))
    }

    /// Returns the delivery that is configured for this form.
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
#[cfg_attr(
    feature = "yaml",
    derive(serde::Deserialize, serde::Serialize, schemars::JsonSchema),
    serde(rename_all = "lowercase")
)]
pub enum Scope {
    /// All that the role allows.
    #[default]
    Role,
    /// Only this volume's bucket and prefix, and only reading if it is read-only, by a session
    /// policy of STS. Only a web identity can be narrowed so, and only where the provider exchanges
    /// it: the delivery is profile or endpoint.
    Volume,
}

/// Where the loopback endpoint listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "yaml",
    derive(serde::Deserialize, schemars::JsonSchema),
    serde(rename_all = "camelCase", deny_unknown_fields, default)
)]
pub struct EndpointSettings {
    /// The loopback address and port to listen on. Where unset, a port is chosen once and kept
    /// while there are leases.
    #[cfg_attr(
        feature = "yaml",
        schemars(with = "Option<String>", extend("format" = "loopback-address"))
    )]
    pub address: Option<SocketAddr>,
}

/// `/run/s3cred` for root, else `$XDG_RUNTIME_DIR/s3cred`, else a folder of one's own in the temp
/// directory.
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
