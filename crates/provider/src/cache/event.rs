//! What happens to cached keys between two reads.

use std::sync::Arc;

use jiff::Timestamp;
use s3_credential_core::{Failure, Keys};

/// What a fetch came to.
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
        /// Why.
        failure: Failure,
        /// When it is tried again; with the next reader, where no keys are held.
        retry_at: Option<Timestamp>,
        /// When the keys that are held end, where some are.
        expires_at: Option<Timestamp>,
    },
}

pub(super) type Observer = Box<dyn Fn(&CacheEvent) + Send + Sync>;
