//! The agent's cache: keys by token.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use crate::iam::Issued;

/// Keys with less than this left are fetched again.
const MIN_TTL: Duration = Duration::from_secs(15);

/// Keys are renewed after this, whatever they have left.
const RENEWAL: Duration = Duration::from_hours(3);

#[derive(Default)]
pub(super) struct Cache(HashMap<String, Issued>);

impl Cache {
    /// Keys that are good, with whether they are to be renewed.
    pub(super) fn find(&self, token: &str, now: Timestamp) -> Option<(Issued, bool)> {
        let keys = self
            .0
            .get(token)
            .filter(|keys| keys.expires_at.is_some_and(|at| at > now + MIN_TTL))?;
        Some((keys.clone(), now >= keys.issued_at + RENEWAL))
    }

    pub(super) fn store(&mut self, token: &str, keys: &Issued) {
        self.0.insert(token.to_owned(), keys.clone());
    }

    pub(super) fn evict(&mut self, token: &str) {
        self.0.remove(token);
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cache({})", self.0.len())
    }
}
