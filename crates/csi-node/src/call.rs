//! A publish call, validated once: what the CSI table asks of each field.

use std::collections::{BTreeMap, HashMap};

use ring::digest::{Context, SHA256};
use s3_credential_provider::{PublishRequest, Secret, TOKENS_KEY};
use s3_csi_proto::csi::v1 as csi;

use crate::error::CallError;
use crate::mount_options::MountpointArguments;

/// The most bytes of an id and of a path: above what any kubelet sends, below what the kernel
/// takes.
const MAX_ID_LEN: usize = 2_048;
const MAX_PATH_LEN: usize = 4_000;
const MAX_NAME_LEN: usize = 255;

/// A valid `NodePublishVolume` call.
#[derive(Debug)]
pub struct PublishCall {
    /// The volume.
    pub volume_id: String,
    /// Where the kubelet wants it.
    pub target_path: String,
    /// The bucket.
    pub bucket: String,
    /// Mountpoint's arguments.
    pub arguments: MountpointArguments,
    /// The digest of all that must not change while the volume is published: everything but secrets
    /// and tokens.
    pub fingerprint: String,
    /// What the credentials are decided from.
    pub request: PublishRequest,
}

impl PublishCall {
    /// Validates a request.
    ///
    /// # Errors
    /// INVALID_ARGUMENT with the name of the field, never its value.
    pub fn parse(request: csi::NodePublishVolumeRequest) -> Result<Self, CallError> {
        check_id(&request.volume_id)?;
        let target_path = parse_path("target_path", &request.target_path)?;
        let capability = request
            .volume_capability
            .ok_or_else(|| CallError::invalid("volume_capability is missing"))?;
        let mode = capability
            .access_mode
            .map(|mode| mode.mode())
            .filter(|mode| *mode != csi::volume_capability::access_mode::Mode::Unknown)
            .ok_or_else(|| {
                CallError::invalid("volume_capability.access_mode is missing or unknown")
            })?;
        let mount = match capability.access_type {
            Some(csi::volume_capability::AccessType::Mount(mount)) => mount,
            Some(csi::volume_capability::AccessType::Block(_)) => {
                return Err(CallError::invalid(
                    "volume_capability is of a block volume; S3 volumes are file systems: set `volumeMode: Filesystem`",
                ));
            }
            None => return Err(CallError::invalid("volume_capability.access_type is missing")),
        };
        let attributes: BTreeMap<String, Secret> = secrets(request.volume_context);
        let bucket = bucket(&attributes)?;
        let group = group(&mount.volume_mount_group)?;

        let mut provide = PublishRequest::new(&request.volume_id, &target_path)
            .with_volume_context(attributes)
            .with_mount_flags(mount.mount_flags.iter().cloned())
            .with_mount_group(mount.volume_mount_group.as_str())
            .with_secrets(secrets(request.secrets));
        provide.readonly = request.readonly;
        provide.volume_capability.access_mode.mode = String::from(mode.as_str_name());

        let mut arguments =
            MountpointArguments::parse(mount.mount_flags.iter().map(String::as_str))?;
        arguments.read_only |=
            request.readonly || provide.volume_capability.access_mode.is_reader_only();
        if let Some(group) = group {
            arguments.set_group(&group.to_string());
        }
        let fingerprint = fingerprint(&provide, &mount.fs_type);
        Ok(Self {
            volume_id: request.volume_id,
            target_path,
            bucket,
            arguments,
            fingerprint,
            request: provide,
        })
    }
}

/// Refuses an id that is missing, too long, or holds control characters.
pub(crate) fn check_id(id: &str) -> Result<(), CallError> {
    if id.is_empty() {
        return Err(CallError::invalid("volume_id is missing"));
    }
    if id.len() > MAX_ID_LEN {
        return Err(CallError::invalid(format!("volume_id is longer than {MAX_ID_LEN} bytes")));
    }
    if id.chars().any(char::is_control) {
        return Err(CallError::invalid("volume_id holds control characters"));
    }
    Ok(())
}

/// Returns a path without empty parts, `.` and a slash at its end. Refuses one that is missing,
/// relative, too long, or leads elsewhere than it reads.
pub(crate) fn parse_path(field: &str, path: &str) -> Result<String, CallError> {
    let parts: Vec<_> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let problem = if path.is_empty() {
        "is missing"
    } else if !path.starts_with('/') {
        "is not an absolute path"
    } else if path.len() > MAX_PATH_LEN {
        "is too long"
    } else if path.chars().any(char::is_control) {
        "holds control characters"
    } else if parts.contains(&"..") {
        "holds `..`"
    } else if parts.iter().any(|part| part.len() > MAX_NAME_LEN) {
        "has a component that is longer than 255 bytes"
    } else if parts.is_empty() {
        "is the root directory"
    } else {
        return Ok(format!("/{}", parts.join("/")));
    };
    Err(CallError::invalid(format!("{field} {problem}")))
}

fn bucket(attributes: &BTreeMap<String, Secret>) -> Result<String, CallError> {
    let bucket = attributes.get("bucketName").map(Secret::expose).unwrap_or_default();
    let problem = if bucket.is_empty() {
        "is missing"
    } else if bucket.len() > MAX_ID_LEN {
        "is too long"
    } else if bucket.starts_with('-') || bucket.chars().any(|c| c.is_control() || c == ' ') {
        "is not the name or ARN of a bucket"
    } else {
        return Ok(bucket.to_owned());
    };
    Err(CallError::invalid(format!(
        "the volume attribute `bucketName` {problem}; set it in `volumeAttributes`"
    )))
}

fn group(text: &str) -> Result<Option<u32>, CallError> {
    match text.parse::<u32>() {
        _ if text.is_empty() => Ok(None),
        Ok(group) if group != u32::MAX => Ok(Some(group)),
        _ => Err(CallError::invalid("volume_mount_group is not the number of a group")),
    }
}

fn secrets(map: HashMap<String, String>) -> BTreeMap<String, Secret> {
    map.into_iter().map(|(name, value)| (name, Secret::from(value))).collect()
}

fn fingerprint(request: &PublishRequest, fs_type: &str) -> String {
    let capability = &request.volume_capability;
    let mut context = Context::new(&SHA256);
    // Lengths and counts first: no two requests are the same bytes.
    let mut part = |text: &str| {
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text.as_bytes());
    };
    let attributes = request.volume_context.iter().filter(|(name, _)| *name != TOKENS_KEY);
    part(&attributes.clone().count().to_string());
    for (name, value) in attributes {
        part(name);
        part(value.expose());
    }
    capability.mount.mount_flags.iter().for_each(|flag| part(flag));
    part("capability");
    part(&capability.mount.volume_mount_group);
    part(&capability.access_mode.mode);
    part(fs_type);
    part(if request.readonly { "read-only" } else { "read-write" });
    context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
