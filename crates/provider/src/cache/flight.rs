//! One fetch at a time for one identity: callers that wait join it, and it goes on when they give
//! up.

use std::sync::Arc;
use std::time::Duration;

use s3_credential_core::{ErrorKind, Failure, Keys};
use tokio::sync::watch;

/// The result of a fetch, for its waiting callers.
#[derive(Debug, Clone)]
pub(super) enum Landing {
    Over(Result<Arc<Keys>, Failure>),
    /// The keys were invalidated after the fetch had begun: what it brought may be the bad ones.
    Superseded,
}

/// The waiting side of a fetch under way.
#[derive(Debug, Clone)]
pub(super) struct Flight(watch::Receiver<Option<Landing>>);

/// The fetching side.
pub(super) type Land = watch::Sender<Option<Landing>>;

impl Flight {
    pub(super) fn new() -> (Land, Self) {
        let (land, flight) = watch::channel(None);
        (land, Self(flight))
    }

    /// Returns whether it is under way. A task that panicked, or whose runtime is gone, never
    /// lands.
    pub(super) fn is_under_way(&self) -> bool {
        self.0.borrow().is_none() && self.0.has_changed().is_ok()
    }

    pub(super) async fn landed(mut self) -> Landing {
        match self.0.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(landing)) => landing.clone(),
            _ => Landing::Over(Err(Failure::new(
                ErrorKind::Internal,
                "the task that fetches the keys was ended",
            ))),
        }
    }
}

/// The reason why there are no new keys, and its effect on the next caller.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) failure: Failure,
    /// Failed loads in a row while no keys were there.
    pub(super) cold_in_a_row: u32,
    /// Until then (by `Clock::elapsed`) who asks for keys that are not there gets the same failure.
    pub(super) pause_until: Duration,
}

/// The state that changes with fetches, not with reads.
#[derive(Debug, Default)]
pub(super) struct State {
    /// The number of invalidations of the keys.
    pub(super) generation: u64,
    pub(super) flight: Option<Flight>,
    pub(super) trouble: Option<Trouble>,
}
