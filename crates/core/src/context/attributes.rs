//! The volume attributes that are known, and those that resemble them.

use crate::mount_options::is_known;
use crate::text::{near_miss, printable, simplified};
use crate::warning::{Warning, WarningKind};

pub(super) const BUCKET_NAME: &str = "bucketName";
pub(super) const AUTHENTICATION_SOURCE: &str = "authenticationSource";
pub(super) const STS_REGION: &str = "stsRegion";
pub(super) const POD_UID: &str = "csi.storage.k8s.io/pod.uid";
pub(super) const POD_NAME: &str = "csi.storage.k8s.io/pod.name";
pub(super) const POD_NAMESPACE: &str = "csi.storage.k8s.io/pod.namespace";
pub(super) const SERVICE_ACCOUNT: &str = "csi.storage.k8s.io/serviceAccount.name";
pub(super) const EPHEMERAL: &str = "csi.storage.k8s.io/ephemeral";

/// The attributes that a lease's record holds.
pub(super) const RECORDED: [&str; 6] =
    [BUCKET_NAME, STS_REGION, POD_UID, POD_NAME, POD_NAMESPACE, SERVICE_ACCOUNT];

/// The attributes that are read here, and those that the drivers of Mountpoint read themselves.
const KNOWN: [&str; 10] = [
    BUCKET_NAME,
    AUTHENTICATION_SOURCE,
    STS_REGION,
    "mountpointPodServiceAccountName",
    "cache",
    "cacheEmptyDirSizeLimit",
    "cacheEmptyDirMedium",
    "cacheEphemeralStorageClassName",
    "cacheEphemeralStorageResourceRequest",
    "volumeNamespace",
];

/// Other words for the same.
const SYNONYMS: [(&str, &str); 4] = [
    ("bucket", BUCKET_NAME),
    ("authentication", AUTHENTICATION_SOURCE),
    ("credentialsource", AUTHENTICATION_SOURCE),
    ("authsource", AUTHENTICATION_SOURCE),
];

/// A warning for each attribute that has no effect and looks as if it were meant to have one.
pub(super) fn near_misses<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Warning> {
    names.into_iter().filter_map(near_miss_of).collect()
}

fn near_miss_of(name: &str) -> Option<Warning> {
    // The kubelet and the provisioner write these.
    if KNOWN.contains(&name) || name.contains('/') {
        return None;
    }
    let simple = simplified(name);
    let synonym = SYNONYMS.iter().find(|(word, _)| *word == simple).map(|(_, known)| *known);
    let advice = if let Some(known) = near_miss(name, KNOWN).or(synonym) {
        format!("expected `{known}`")
    } else if is_mount_option(name) {
        "it is a mount option: write it under `mountOptions`".to_owned()
    } else {
        return None;
    };
    let name = printable(name);
    let message = format!("unknown volume attribute `{name}`, which has no effect: {advice}");
    Some(Warning::new(WarningKind::VolumeAttribute, message))
}

/// In any spelling of its words: `readOnly`, `read_only`, `--read-only`.
fn is_mount_option(name: &str) -> bool {
    let dashed: String = name
        .trim_start_matches('-')
        .chars()
        .flat_map(|c| match c {
            'A'..='Z' => vec!['-', c.to_ascii_lowercase()],
            '_' => vec!['-'],
            c => vec![c],
        })
        .collect();
    is_known(dashed.trim_start_matches('-')) || is_known(&name.to_ascii_lowercase())
}
