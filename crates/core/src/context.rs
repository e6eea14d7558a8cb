//! The input of `provide`, parsed once.

mod attributes;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{ErrorKind, Failure};
use crate::level::AuthenticationLevel;
use crate::mount_options::MountOptions;
use crate::mount_target::MountTarget;
use crate::request::PublishRequest;
use crate::role::RoleArn;
use crate::secret::Secret;
use crate::service_account_tokens::{ServiceAccountTokens, TOKENS_KEY};
use crate::text::printable;
use crate::warning::{Warning, WarningKind};

/// The text that loggers of requests write in the place of a value.
const STRIPPED: &str = "***stripped***";

/// Bounds on what a request may hold; far above what any kubelet sends.
const MAX_ID_LEN: usize = 16 << 10;
const MAX_MAP_ENTRIES: usize = 1 << 10;
const MAX_VALUE_LEN: usize = 1 << 20;
/// The longest value of a lease's record, in bytes: a name, an ARN, a region.
const MAX_NAME_LEN: usize = 2048;
/// The longest mount flags, all together, in bytes.
const MAX_FLAGS_LEN: usize = 64 << 10;

/// The pod that the volume is for, as far as the kubelet names it (`podInfoOnMount`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PodInfo {
    /// `csi.storage.k8s.io/pod.uid`
    pub uid: Option<String>,
    /// `csi.storage.k8s.io/pod.name`
    pub name: Option<String>,
    /// `csi.storage.k8s.io/pod.namespace`
    pub namespace: Option<String>,
    /// `csi.storage.k8s.io/serviceAccount.name`
    pub service_account: Option<String>,
}

/// Everything that a source, a resolver and the delivery need to know of one publish. Cheap to
/// clone.
///
/// Its serialised form is for the journal: everything but the tokens and secrets, which only
/// another publish brings back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvideContext(Arc<Parsed>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parsed {
    volume_id: String,
    target_path: String,
    read_only: bool,
    level: AuthenticationLevel,
    #[serde(skip)]
    names_level: bool,
    bucket: Option<String>,
    sts_region: Option<String>,
    pod: PodInfo,
    ephemeral: bool,
    mount_options: MountOptions,
    mount_group: Option<u32>,
    #[serde(skip)]
    tokens: ServiceAccountTokens,
    #[serde(skip)]
    warnings: Vec<Warning>,
    #[serde(skip)]
    secrets: BTreeMap<String, Secret>,
    target: MountTarget,
    lease_pod: Option<String>,
    #[serde(skip)]
    pinned_role: Option<RoleArn>,
}

impl ProvideContext {
    /// Parses a publish request. An error names the field at fault. No later step parses the
    /// request again.
    pub fn from_publish_request(
        request: PublishRequest,
        target: MountTarget,
    ) -> Result<Self, Failure> {
        check_id("volumeId", &request.volume_id)?;
        check_id("targetPath", &request.target_path)?;
        check_map("volumeContext", &request.volume_context)?;
        check_map("secrets", &request.secrets)?;
        if let Some(uid) = &target.mountpoint_pod_uid {
            check_id("the Mountpoint pod's uid", uid)?;
        }

        check_recorded(&request)?;
        let attribute = |name: &str| {
            let value = request.volume_context.get(name)?.expose();
            (!value.is_empty()).then(|| value.to_owned())
        };
        let level = attribute(attributes::AUTHENTICATION_SOURCE);
        let names_level = level.is_some();
        let level: AuthenticationLevel = level.unwrap_or_default().parse()?;
        let mut secrets = request.secrets;
        let tokens = secrets
            .remove(TOKENS_KEY)
            .filter(|json| !json.is_empty())
            .or_else(|| request.volume_context.get(TOKENS_KEY).cloned());
        let tokens = match tokens {
            Some(json) if level == AuthenticationLevel::Pod => ServiceAccountTokens::parse(&json)?,
            _ => ServiceAccountTokens::default(),
        };
        // The request's secrets are used at secret level only: elsewhere no source shall even see
        // them.
        if level != AuthenticationLevel::Secret {
            secrets.clear();
        }
        let pod = PodInfo {
            uid: attribute(attributes::POD_UID),
            name: attribute(attributes::POD_NAME),
            namespace: attribute(attributes::POD_NAMESPACE),
            service_account: attribute(attributes::SERVICE_ACCOUNT),
        };
        let lease_pod = target
            .mountpoint_pod_uid
            .clone()
            .or_else(|| pod_uid_of(&request.target_path))
            .or_else(|| pod.uid.clone());
        if level == AuthenticationLevel::Pod && lease_pod.is_none() {
            return Err(missing_pod_info("the pod's uid"));
        }
        let mount_options = MountOptions::parse(&request.volume_capability.mount.mount_flags);
        if mount_options.has("profile") {
            return Err(Failure::new(
                ErrorKind::InvalidRequest,
                "the mount option `--profile` would override the credentials that the driver provides",
            )
            .with_help("remove `--profile` from the volume's mountOptions, and name a credential source instead"));
        }
        let warnings = warnings(&request.volume_context, &mount_options);
        let mount_group =
            group("volumeMountGroup", &request.volume_capability.mount.volume_mount_group)?;
        Ok(Self(Arc::new(Parsed {
            read_only: request.readonly
                || mount_options.has("read-only")
                || request.volume_capability.access_mode.is_reader_only(),
            level,
            names_level,
            bucket: attribute(attributes::BUCKET_NAME),
            sts_region: attribute(attributes::STS_REGION),
            ephemeral: attribute(attributes::EPHEMERAL).as_deref() == Some("true")
                || is_inline_id(&request.volume_id),
            volume_id: request.volume_id,
            target_path: request.target_path,
            pod,
            mount_options,
            mount_group,
            tokens,
            warnings,
            secrets,
            target,
            lease_pod,
            pinned_role: None,
        })))
    }

    /// Returns the context of a renewal: a source that assumes a role uses this one, whatever its
    /// configuration, a mapping or an annotation names now.
    #[must_use]
    pub fn with_pinned_role(&self, role_arn: RoleArn) -> Self {
        let mut parsed = Parsed::clone(&self.0);
        parsed.target.role_arn = Some(role_arn.clone());
        parsed.pinned_role = Some(role_arn);
        Self(Arc::new(parsed))
    }

    /// Returns the role that a live volume was published with, when its credentials are renewed.
    /// `None` for a first publish.
    pub fn pinned_role(&self) -> Option<&RoleArn> {
        self.0.pinned_role.as_ref()
    }

    /// Returns the volume's id.
    pub fn volume_id(&self) -> &str {
        &self.0.volume_id
    }

    /// Returns the path at which the kubelet wants the volume.
    pub fn target_path(&self) -> &str {
        &self.0.target_path
    }

    /// Returns the authentication level of the volume.
    pub fn level(&self) -> AuthenticationLevel {
        self.0.level
    }

    /// Returns whether the volume sets its level itself, not by the default; unknown for a context
    /// from the journal.
    pub fn names_level(&self) -> bool {
        self.0.names_level
    }

    /// Returns whether the volume may only be read.
    pub fn is_read_only(&self) -> bool {
        self.0.read_only
    }

    /// Returns whether the volume is an inline one, written by a tenant into a pod's definition.
    pub fn is_ephemeral(&self) -> bool {
        self.0.ephemeral
    }

    /// Returns the volume attribute `bucketName`.
    pub fn bucket(&self) -> Option<&str> {
        self.0.bucket.as_deref()
    }

    /// Returns the volume attribute `stsRegion`, as written.
    pub fn sts_region(&self) -> Option<&str> {
        self.0.sts_region.as_deref()
    }

    /// Mountpoint's arguments.
    pub fn mount_options(&self) -> &MountOptions {
        &self.0.mount_options
    }

    /// Returns the pod's `fsGroup`, if the kubelet sent it.
    pub fn mount_group(&self) -> Option<u32> {
        self.0.mount_group
    }

    /// Returns whether the mount option `--no-sign-request` is set: no credentials at all.
    pub fn is_anonymous(&self) -> bool {
        self.0.mount_options.has("no-sign-request")
    }

    /// Returns the pod that the volume is for.
    pub fn pod(&self) -> &PodInfo {
        &self.0.pod
    }

    /// Returns the namespace and name of the pod's service account, or the error that says how to
    /// make the kubelet send them.
    pub fn service_account(&self) -> Result<(&str, &str), Failure> {
        let pod = &self.0.pod;
        let namespace =
            pod.namespace.as_deref().ok_or_else(|| missing_pod_info("the pod's namespace"))?;
        let name = pod
            .service_account
            .as_deref()
            .ok_or_else(|| missing_pod_info("the pod's service account name"))?;
        Ok((namespace, name))
    }

    /// Returns the pod's service-account tokens; empty at other levels than pod.
    pub fn tokens(&self) -> &ServiceAccountTokens {
        &self.0.tokens
    }

    /// Returns the request's secrets; empty at other levels than secret.
    pub fn secrets(&self) -> &BTreeMap<String, Secret> {
        &self.0.secrets
    }

    /// Returns the parts of the volume's definition that are without effect, but look intended.
    /// Empty for a context that comes from the journal.
    pub fn warnings(&self) -> &[Warning] {
        &self.0.warnings
    }

    /// Returns the driver's description of the mount.
    pub fn target(&self) -> &MountTarget {
        &self.0.target
    }

    /// Returns the uid of the pod that the lease belongs to: the Mountpoint pod's, otherwise the
    /// one in the target path, otherwise the request's.
    pub fn lease_pod(&self) -> Option<&str> {
        self.0.lease_pod.as_deref()
    }
}

impl Serialize for ProvideContext {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ProvideContext {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Parsed::deserialize(deserializer).map(|parsed| Self(Arc::new(parsed)))
    }
}

/// Returns whether this is the id that the kubelet gives an inline volume: `csi-` and 64
/// hexadecimal digits. With `podInfoOnMount` off, the id alone identifies such a volume.
fn is_inline_id(volume_id: &str) -> bool {
    volume_id.strip_prefix("csi-").is_some_and(|digits| {
        digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// Bounds what a lease's record holds of the request, so that every record can be read again.
fn check_recorded(request: &PublishRequest) -> Result<(), Failure> {
    let refuse = |field: &str, limit: usize| {
        Failure::new(ErrorKind::InvalidRequest, format!("{field} is longer than {limit} bytes"))
            .with_help(format!("correct {field} in the volume's definition"))
    };
    for name in attributes::RECORDED {
        if request.volume_context.get(name).is_some_and(|value| value.len() > MAX_NAME_LEN) {
            return Err(refuse(&format!("volumeContext.{name}"), MAX_NAME_LEN));
        }
    }
    let flags = &request.volume_capability.mount.mount_flags;
    if flags.iter().map(String::len).sum::<usize>() > MAX_FLAGS_LEN {
        return Err(refuse("volumeCapability.mount.mountFlags", MAX_FLAGS_LEN));
    }
    Ok(())
}

fn warnings(attributes: &BTreeMap<String, Secret>, options: &MountOptions) -> Vec<Warning> {
    let mut warnings = attributes::near_misses(attributes.keys().map(String::as_str));
    warnings.extend(options.problems().iter().map(|problem| {
        Warning::new(WarningKind::MountOption, format!("{problem}; Mountpoint may refuse it"))
    }));
    warnings
}

/// The uid in `.../pods/<uid>/volumes/...`, the kubelet's layout of target paths; of the last such
/// place.
pub(crate) fn pod_uid_of(target_path: &str) -> Option<String> {
    let parts: Vec<_> = target_path.split('/').collect();
    parts
        .windows(3)
        .rev()
        .find(|window| window[0] == "pods" && window[2] == "volumes" && !window[1].is_empty())
        .map(|window| window[1].to_owned())
}

/// Returns the error for a value that `podInfoOnMount` would have supplied.
fn missing_pod_info(what: &str) -> Failure {
    Failure::new(ErrorKind::MissingPodInfo, format!("the request does not name {what}"))
        .with_help("set `podInfoOnMount: true` in the CSIDriver object")
}

pub(crate) fn check_id(field: &str, id: &str) -> Result<(), Failure> {
    let refuse = |problem: &str| {
        Err(Failure::new(ErrorKind::InvalidRequest, format!("{field} {problem}"))
            .with_help(format!("use the CSI request as the kubelet sent it, and correct {field}")))
    };
    if id.is_empty() {
        return refuse("is missing");
    }
    if id.contains('\0') {
        return refuse("holds a NUL character");
    }
    if id.len() > MAX_ID_LEN {
        return refuse("is too long");
    }
    Ok(())
}

/// Parses the number of a group; empty is `None`. The largest number names no group: to the kernel
/// it means "unchanged".
fn group(field: &str, number: &str) -> Result<Option<u32>, Failure> {
    match number.parse() {
        _ if number.is_empty() => Ok(None),
        Ok(u32::MAX) | Err(_) => Err(Failure::new(
            ErrorKind::InvalidRequest,
            format!("{field} is not the number of a group"),
        )),
        Ok(group) => Ok(Some(group)),
    }
}

fn check_map(field: &str, map: &BTreeMap<String, Secret>) -> Result<(), Failure> {
    if map.len() > MAX_MAP_ENTRIES {
        return Err(Failure::new(
            ErrorKind::InvalidRequest,
            format!("{field} has too many entries"),
        )
        .with_help("take entries out of the volume's attributes or its Secret"));
    }
    for (name, value) in map {
        if value.expose() == STRIPPED {
            return Err(Failure::new(
                ErrorKind::InvalidRequest,
                format!("{field} holds `{}` with its value stripped", printable(name)),
            )
            .with_help("this request comes from a log, which leaves secrets out: use the request as the kubelet sent it"));
        }
        if value.len() > MAX_VALUE_LEN {
            return Err(Failure::new(
                ErrorKind::InvalidRequest,
                format!(
                    "{field} holds `{}` with a value of more than {MAX_VALUE_LEN} bytes",
                    printable(name)
                ),
            )
            .with_help("shorten it in the volume's attributes or its Secret"));
        }
    }
    Ok(())
}
