//! The persistent record of what `provide` set up for one volume.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use s3_credential_core::{
    AuthenticationLevel, Delivery, PlannedFile, ProvideContext, Region, ResolvedRegion, TokenAge,
};
use serde::{Deserialize, Serialize};

use super::{IdentityReasons, LeaseId, RefreshFailure};
use crate::identity::Identity;

/// How far the clock of the node may be behind that of a token's issuer.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(1);

/// The journal's entry of a lease. No secret is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LeaseRecord {
    /// Where the lease's directory is.
    pub(crate) write_path: PathBuf,
    pub(crate) directory: String,
    /// The publish that it was last provided for, without its tokens and secrets.
    pub(crate) context: ProvideContext,
    /// Target paths that use the lease; its files go with the last one.
    pub(crate) holders: BTreeSet<String>,
    pub(crate) identity: Identity,
    pub(crate) delivery: Box<str>,
    /// Variables that Mountpoint was started with, but for the values of key variables.
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) files: Vec<FileRecord>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) refresh_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) phase: Phase,
    /// The region that the mount was provided with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<RecordedRegion>,
    /// Why the lease has its identity. `None` in memory, and in records of versions that did not
    /// record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reasons: Option<Box<IdentityReasons>>,
    /// The failure of the last refresh. `None` where it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_failure: Option<Box<RefreshFailure>>,
}

/// A region, and which resolver it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedRegion {
    name: String,
    resolver: String,
}

impl From<&ResolvedRegion> for RecordedRegion {
    fn from(resolved: &ResolvedRegion) -> Self {
        Self { name: resolved.region.as_str().to_owned(), resolver: resolved.resolver.clone() }
    }
}

impl RecordedRegion {
    /// Returns the name of the region.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the region, if it is one to this version too.
    pub(crate) fn resolved(&self) -> Option<ResolvedRegion> {
        let region = Region::parse("the region of the lease's record", &self.name).ok()?;
        Some(ResolvedRegion { region, resolver: self.resolver.clone() })
    }
}

/// What was under way when the record was written: a crash leaves it for the next start, or the
/// next call, to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Phase {
    /// The files are there, and may be in use.
    #[default]
    Live,
    /// The first publish has not been answered: no mount uses its files.
    Publishing,
    /// The last holder is gone: whatever is left goes too.
    Removing,
}

/// A file of a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileRecord {
    pub(crate) name: String,
    pub(crate) mode: u32,
    /// The pod, for a pod's own token. Pods that share a mount each bring their own, and the ages
    /// of two pods' tokens cannot be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pod: Option<String>,
    /// Of a token: when it was made and when it ends.
    pub(crate) issued_at: Option<Timestamp>,
    pub(crate) expires_at: Option<Timestamp>,
}

impl LeaseRecord {
    pub(crate) fn id(&self) -> LeaseId {
        LeaseId {
            volume_id: self.context.volume_id().to_owned(),
            holders: self.holders.iter().cloned().collect(),
        }
    }

    /// What is kept of it in memory.
    pub(crate) fn without_environment(self) -> Self {
        Self { environment: BTreeMap::new(), reasons: None, ..self }
    }

    /// Whether this target path holds it, for this volume.
    pub(crate) fn is_held_by(&self, volume_id: &str, holder: &str) -> bool {
        self.context.volume_id() == volume_id && self.holders.contains(holder)
    }

    /// Whether a Mountpoint may be running with what the lease delivered.
    pub(crate) fn is_live(&self) -> bool {
        self.phase == Phase::Live
    }

    pub(crate) fn delivery(&self) -> Delivery {
        self.delivery.parse().unwrap_or(Delivery::None)
    }
}

impl FileRecord {
    pub(crate) fn of(file: &PlannedFile, mode: u32, context: &ProvideContext) -> Self {
        let age = file.age.unwrap_or_default();
        Self {
            name: file.name.to_owned(),
            mode,
            pod: file.age.and_then(|_| pod_of_token(context)),
            issued_at: age.issued_at,
            expires_at: age.expires_at,
        }
    }

    /// Whether the token is valid at this instant: issued by then, a minute of clock skew apart,
    /// and not expired.
    pub(crate) fn is_valid_at(&self, now: Timestamp) -> bool {
        let latest = now.saturating_add(CLOCK_SKEW).unwrap_or(Timestamp::MAX);
        self.issued_at.is_none_or(|at| at <= latest) && self.expires_at.is_none_or(|at| at > now)
    }

    pub(crate) fn age(&self) -> TokenAge {
        TokenAge { issued_at: self.issued_at, expires_at: self.expires_at }
    }
}

/// Returns the pod whose token a publish brings: the workload's at pod level. Elsewhere it is the
/// driver's own token, for any pod.
pub(crate) fn pod_of_token(context: &ProvideContext) -> Option<String> {
    let pod = context.pod().uid.as_deref().or(context.lease_pod());
    pod.filter(|_| context.level() == AuthenticationLevel::Pod).map(str::to_owned)
}
