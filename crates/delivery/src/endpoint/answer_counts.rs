//! How many answers of each HTTP status there were.

use std::sync::atomic::{AtomicU64, Ordering};

use hyper::StatusCode;

use super::answer::STATUSES;

/// The counts, in the order of [`STATUSES`].
#[derive(Debug, Default)]
pub(super) struct AnswerCounts([AtomicU64; STATUSES.len()]);

impl AnswerCounts {
    pub(super) fn add(&self, status: StatusCode) {
        let index = STATUSES.iter().position(|known| *known == status);
        if let Some(count) = index.and_then(|index| self.0.get(index)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn all(&self) -> Vec<(u16, u64)> {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        STATUSES.iter().map(StatusCode::as_u16).zip(counts).collect()
    }
}
