//! All leases of a state path, read without a lock and without a provider.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use s3_credential_core::{Failure, ProvideContext, Region, ResolvedRegion, VolumeScope};
use s3_credential_delivery::StatePath;

use super::journal::decode;
use super::{IdentityReasons, LeaseId, LeaseRecord, Phase, RecordedRegion, RefreshFailure};
use crate::identity::Identity;

/// The partition of volumes whose region is unknown.
const DEFAULT_REGION: &str = "us-east-1";

/// What a state path says of leases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeaseSurvey {
    /// The leases, by volume.
    pub leases: Vec<RecordedLease>,
    /// The records that this version cannot read. A Mountpoint may run with the credentials of
    /// each.
    pub unreadable: Vec<UnreadableRecord>,
}

/// A record that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnreadableRecord {
    /// The name of the record's file in the state path.
    pub name: String,
    /// Why it cannot be read.
    pub reason: String,
}

/// A lease, as its record says. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedLease {
    /// The volume and its target paths.
    pub lease: LeaseId,
    /// What is under way.
    pub phase: Phase,
    /// The directory of the lease's files.
    pub directory: PathBuf,
    /// The publish that the lease was last provided for, without tokens and secrets.
    pub context: ProvideContext,
    /// Whose credentials they are.
    pub identity: Identity,
    /// Why the lease has this identity. `None` for a record of a version that did not record it.
    pub reasons: Option<IdentityReasons>,
    /// The name of the delivery.
    pub delivery: String,
    /// The region, where one is known.
    pub region: Option<ResolvedRegion>,
    /// When the credentials expire.
    pub expires_at: Option<Timestamp>,
    /// When they are refreshed.
    pub refresh_at: Option<Timestamp>,
    /// Why the last refresh failed. `None` where it succeeded.
    pub last_failure: Option<RefreshFailure>,
}

impl LeaseSurvey {
    /// Reads the records of a state path; one that is missing has no leases. Makes no change and
    /// takes no lock.
    ///
    /// # Errors
    /// `file-system` if the state path belongs to another user or cannot be listed.
    pub fn read(state_path: &Path) -> Result<Self, Failure> {
        let mut survey = Self::default();
        let Some(state) = StatePath::open_if_exists(state_path)? else { return Ok(survey) };
        let mut names = state.names()?;
        names.sort_unstable();
        for name in names {
            match state.read(&name) {
                // Removed since it was listed, or about to be written.
                Ok(None) => {}
                Ok(Some(bytes)) => match decode(&bytes) {
                    Some(record) => survey.leases.push(record.into()),
                    None => survey.unreadable.push(UnreadableRecord {
                        name,
                        reason: "it is of another version, or no record".to_owned(),
                    }),
                },
                Err(failure) => survey
                    .unreadable
                    .push(UnreadableRecord { name, reason: failure.message().to_owned() }),
            }
        }
        survey.leases.sort_by(|one, other| {
            (&one.lease.volume_id, &one.directory).cmp(&(&other.lease.volume_id, &other.directory))
        });
        Ok(survey)
    }
}

impl RecordedLease {
    /// Returns the least IAM policy that the volume's mount options need: the session policy of
    /// `scope: volume`. `None` for a volume without credentials.
    ///
    /// # Errors
    /// Those of [`VolumeScope::of`] and [`VolumeScope::session_policy`]: no policy fits the volume.
    pub fn least_policy(&self) -> Result<Option<String>, Failure> {
        if self.context.is_anonymous() {
            return Ok(None);
        }
        let region = match &self.region {
            Some(resolved) => resolved.region.clone(),
            None => Region::parse("the region", DEFAULT_REGION)?,
        };
        VolumeScope::of(&self.context)?.session_policy(region.partition()).map(Some)
    }
}

impl From<LeaseRecord> for RecordedLease {
    fn from(record: LeaseRecord) -> Self {
        Self {
            lease: record.id(),
            phase: record.phase,
            directory: record.write_path.join(&record.directory),
            region: record.region.as_ref().and_then(RecordedRegion::resolved),
            context: record.context,
            identity: record.identity,
            reasons: record.reasons.map(|reasons| *reasons),
            delivery: record.delivery.into(),
            expires_at: record.expires_at,
            refresh_at: record.refresh_at,
            last_failure: record.last_failure.map(|failure| *failure),
        }
    }
}
