//! The measured subjects: each with its own client, cache and default settings, for the same role
//! at the same STS.

mod aws_config;
mod object_store;
mod ours;
mod reqsign;

use std::future::Future;
use std::time::Duration;

use crate::upstream::Upstream;

pub use self::aws_config::AwsConfig;
pub use self::object_store::ObjectStore;
pub use self::ours::Ours;
pub use self::reqsign::Reqsign;

/// A library that hands out keys from a cache.
pub trait Subject: Sized + Send + Sync + 'static {
    const NAME: &'static str;
    /// The lifetime of keys that are refreshed after at most [`Self::DUE_BY`], and are still valid
    /// for some seconds then.
    const TTL: Duration;
    const DUE_BY: Duration;

    /// To be called within a runtime.
    fn new(upstream: &Upstream) -> Self;

    /// Fetches keys like a caller, and returns the length of their id.
    fn fetch(&self) -> impl Future<Output = Result<usize, String>> + Send;

    /// The same where keys are known to be there.
    fn warm(&self) -> impl Future<Output = Result<usize, String>> + Send {
        self.fetch()
    }
}

/// Calls a generic function for every subject, ours first.
#[macro_export]
macro_rules! for_each_subject {
    ($subject:ident => $body:expr) => {{
        { type $subject = $crate::subjects::Ours; $body }
        { type $subject = $crate::subjects::AwsConfig; $body }
        { type $subject = $crate::subjects::Reqsign; $body }
        { type $subject = $crate::subjects::ObjectStore; $body }
    }};
}
