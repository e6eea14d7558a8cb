//! The two CSI requests, as far as credentials need them.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use crate::secret::Secret;

/// `NodePublishVolumeRequest`, from its JSON form (lowerCamelCase or proto names; unknown fields
/// are ignored) or filled in by a driver from its own protobuf type.
///
/// The volume context may carry service-account tokens, so its values are secrets here.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PublishRequest {
    /// The volume's id; required.
    #[serde(alias = "volume_id", deserialize_with = "null_is_default")]
    pub volume_id: String,
    /// The path at which the kubelet wants the volume; required.
    #[serde(alias = "target_path", deserialize_with = "null_is_default")]
    pub target_path: String,
    /// Whether the publish is read-only.
    #[serde(deserialize_with = "null_is_default")]
    pub readonly: bool,
    /// Attributes of the volume, and what the kubelet adds about the pod.
    #[serde(alias = "volume_context", deserialize_with = "null_is_default")]
    pub volume_context: BTreeMap<String, Secret>,
    /// Holds the mount flags.
    #[serde(alias = "volume_capability", deserialize_with = "null_is_default")]
    pub volume_capability: VolumeCapability,
    /// The values of the Secret in `nodePublishSecretRef`, and since KEP-5538 the service-account
    /// tokens.
    #[serde(deserialize_with = "null_is_default")]
    pub secrets: BTreeMap<String, Secret>,
}

/// `VolumeCapability`, as far as it matters here.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct VolumeCapability {
    /// For a file-system volume.
    #[serde(deserialize_with = "null_is_default")]
    pub mount: MountVolume,
    /// The access mode of the volume's claim.
    #[serde(alias = "access_mode", deserialize_with = "null_is_default")]
    pub access_mode: AccessMode,
}

/// `VolumeCapability.AccessMode`, as far as it matters here.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct AccessMode {
    /// The name of the mode; a number is read as the name that it stands for.
    #[serde(deserialize_with = "mode_name")]
    pub mode: String,
}

impl AccessMode {
    /// Returns whether every access to the volume is read-only, as on a claim that is
    /// `ReadOnlyMany`.
    pub fn is_reader_only(&self) -> bool {
        READER_ONLY.iter().any(|(name, _)| self.mode == *name)
    }
}

/// The modes of csi.proto that allow no writer, with their numbers.
const READER_ONLY: [(&str, u64); 2] =
    [("SINGLE_NODE_READER_ONLY", 2), ("MULTI_NODE_READER_ONLY", 3)];

/// `VolumeCapability.MountVolume`, as far as it matters here.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct MountVolume {
    /// Mountpoint's arguments.
    #[serde(alias = "mount_flags", deserialize_with = "null_is_default")]
    pub mount_flags: Vec<String>,
    /// The `fsGroup` of the pod, by number, which the kubelet sends to a driver with the capability
    /// `VOLUME_MOUNT_GROUP`; empty where there is none.
    #[serde(alias = "volume_mount_group", deserialize_with = "null_is_default")]
    pub volume_mount_group: String,
}

/// `NodeUnpublishVolumeRequest`: all that is known when a volume goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct UnpublishRequest {
    /// The volume's id; required.
    #[serde(alias = "volume_id", deserialize_with = "null_is_default")]
    pub volume_id: String,
    /// The path that the volume was published at; required.
    #[serde(alias = "target_path", deserialize_with = "null_is_default")]
    pub target_path: String,
}

impl PublishRequest {
    /// Makes a request for this volume at this path.
    pub fn new(volume_id: impl Into<String>, target_path: impl Into<String>) -> Self {
        Self { volume_id: volume_id.into(), target_path: target_path.into(), ..Self::default() }
    }

    /// Sets the volume's attributes and what the kubelet adds to them.
    #[must_use]
    pub fn with_volume_context<K: Into<String>, V: Into<Secret>>(
        mut self,
        attributes: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.volume_context.extend(attributes.into_iter().map(|(k, v)| (k.into(), v.into())));
        self
    }

    /// Sets Mountpoint's arguments.
    #[must_use]
    pub fn with_mount_flags<S: Into<String>>(mut self, flags: impl IntoIterator<Item = S>) -> Self {
        self.volume_capability.mount.mount_flags.extend(flags.into_iter().map(Into::into));
        self
    }

    /// Sets the group that the kubelet wants the volume to have.
    #[must_use]
    pub fn with_mount_group(mut self, group: impl Into<String>) -> Self {
        self.volume_capability.mount.volume_mount_group = group.into();
        self
    }

    /// Sets the request's secrets.
    #[must_use]
    pub fn with_secrets<K: Into<String>, V: Into<Secret>>(
        mut self,
        secrets: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.secrets.extend(secrets.into_iter().map(|(k, v)| (k.into(), v.into())));
        self
    }

    /// Makes this a read-only publish.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.readonly = true;
        self
    }
}

impl UnpublishRequest {
    /// Makes a request for this volume at this path.
    pub fn new(volume_id: impl Into<String>, target_path: impl Into<String>) -> Self {
        Self { volume_id: volume_id.into(), target_path: target_path.into() }
    }
}

/// Protobuf's JSON form writes an unset field as null.
fn null_is_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Protobuf's JSON form has an enum by name or by number.
fn mode_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Mode {
        Name(String),
        Number(u64),
        Other(IgnoredAny),
    }
    Ok(match Mode::deserialize(deserializer)? {
        Mode::Name(name) => name,
        Mode::Number(number) => READER_ONLY
            .iter()
            .find_map(|(name, known)| (*known == number).then(|| (*name).to_owned()))
            .unwrap_or_default(),
        Mode::Other(_) => String::new(),
    })
}
