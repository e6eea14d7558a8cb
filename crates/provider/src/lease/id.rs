//! How a lease is named to callers.

/// Which lease an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseId {
    /// The volume.
    pub volume_id: String,
    /// The target paths that hold the lease.
    pub holders: Vec<String>,
}
