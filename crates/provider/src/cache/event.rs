//! Events of cached keys between two reads.

use std::sync::Arc;

use jiff::Timestamp;
use s3_credential_core::{Failure, Keys};

/// The result of a fetch.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CacheEvent {
    /// New keys are there.
    Fetched {
        /// The keys.
        keys: Arc<Keys>,
    },
    /// The upstream gave none; what is held stays until it ends.
    Failed {
        /// The reason.
        failure: Failure,
        /// The time of the next attempt; with the next reader, where no keys are cached.
        retry_at: Option<Timestamp>,
        /// The expiry of the cached keys, where there are any.
        expires_at: Option<Timestamp>,
    },
}

pub(super) type Observer = Box<dyn Fn(&CacheEvent) + Send + Sync>;
