//! Events of leases between the calls of a driver, for its reports to the cluster.

use jiff::Timestamp;
use s3_credential_core::Failure;

use crate::lease::LeaseId;

/// Something that happened to a lease. No secret is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// New credentials were delivered.
    Refreshed {
        /// The lease.
        lease: LeaseId,
        /// When they end.
        expires_at: Option<Timestamp>,
    },
    /// A refresh failed; what was delivered before is untouched.
    RefreshFailed {
        /// The lease.
        lease: LeaseId,
        /// Why.
        failure: Failure,
        /// When it is tried again.
        retry_at: Timestamp,
        /// When what was delivered before ends.
        expires_at: Option<Timestamp>,
    },
    /// The chain would now choose another identity, which the running Mountpoint cannot see.
    IdentityChanged {
        /// The lease.
        lease: LeaseId,
    },
    /// A lease of an earlier run was taken up again.
    Adopted {
        /// The lease.
        lease: LeaseId,
    },
    /// What an earlier run had left behind was removed.
    Swept {
        /// The lease, as far as it was known.
        lease: LeaseId,
        /// How many paths are gone.
        removed: usize,
    },
}
