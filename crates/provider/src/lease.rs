//! Leases: which there are, what is recorded of them, and who may work on one.

mod id;
mod journal;
mod key;
mod mount_state;
mod reasons;
mod record;
mod survey;
mod table;
mod volume_locks;

pub use id::LeaseId;
pub(crate) use journal::{Journal, LockedEntry};
#[cfg(fuzzing)]
pub(crate) use journal::{decode, encode};
pub(crate) use key::{LeaseKey, canonical};
pub(crate) use mount_state::MountState;
pub use reasons::{IdentityReasons, PassedOver, RefreshFailure};
pub use record::Phase;
pub(crate) use record::{FileRecord, LeaseRecord, RecordedRegion, pod_of_token};
pub use survey::{LeaseSurvey, RecordedLease, UnreadableRecord};
pub(crate) use table::{Fingerprint, Lease, LeaseTable};
pub(crate) use volume_locks::VolumeLocks;
