//! What is known of the services behind the sources: that one is down is found out once, not once
//! for each lease.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use s3_credential_core::{ErrorKind, Failure};

/// After a failure one lease asks for all of them when the outage has lasted as long again, within
/// these limits.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What part of the time that it has left a lease lets pass before it asks: of a failure that may
/// be chance alone, and of a second one.
const PATIENCE_AT_FIRST: u32 = 180;
const PATIENCE: u32 = 4;
const LONGEST_PATIENCE: Duration = Duration::from_mins(5);

/// After so long without a call, an outage is forgotten. It is well above the longest patience.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(1);

/// Each failed call puts a lease behind the others by this part of the pause, up to so many calls.
/// Leases with equally many failures are spread over the smaller part.
const RETRY_PENALTY: f64 = 0.4;
const MANY_CALLS: u32 = 2;
const SPREAD: f64 = 1.0 / 16.0;

/// The sources whose services gave no answer when they were last asked.
#[derive(Debug, Default)]
pub(crate) struct CircuitBreaker(Mutex<HashMap<Service, Outage>>);

/// The service behind a source. A tenant may choose a region whose endpoint does not answer, which
/// concerns no other region.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Service {
    source: String,
    region: String,
}

impl Service {
    pub(crate) fn new(source: Option<&str>, region: Option<&str>) -> Self {
        let owned = |name: Option<&str>| name.unwrap_or_default().to_owned();
        Self { source: owned(source), region: owned(region) }
    }
}

#[derive(Debug)]
struct Outage {
    failure: Failure,
    /// On the clock that never goes back, as is the next one.
    since: Duration,
    asked_at: Duration,
}

/// Who would ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Probe {
    /// How long its credentials are still valid; zero where a reader waits.
    pub(crate) left: Duration,
    /// The number of its failed calls: the lease with the fewest is the first to ask again.
    pub(crate) failures: u32,
}

impl Probe {
    /// A caller waits, and has no credentials yet.
    pub(crate) const WAITING: Self = Self { left: Duration::ZERO, failures: 0 };
}

/// The failure of another lease of the same source, and when to come back.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) failure: Failure,
    pub(crate) ask_in: Duration,
    /// Whether the service failed more than once.
    pub(crate) is_confirmed: bool,
}

impl CircuitBreaker {
    /// Lets one lease ask, and returns the last failure to the others.
    pub(crate) fn admit(
        &self,
        service: &Service,
        elapsed: Duration,
        asker: Probe,
    ) -> Result<(), Shared> {
        let mut outages = self.lock();
        let Some(outage) = outages.get_mut(service) else {
            return Ok(());
        };
        if elapsed < outage.asked_at + outage.pause(asker, 0.0) {
            return Err(outage.share(elapsed, asker));
        }
        outage.asked_at = elapsed;
        Ok(())
    }

    /// Records the result of a call. Any answer ends the outage, a refusal too. During an outage,
    /// returns when to ask again.
    pub(crate) fn report(
        &self,
        service: &Service,
        elapsed: Duration,
        asker: Probe,
        failure: Option<&Failure>,
    ) -> Option<Duration> {
        let mut outages = self.lock();
        let Some(failure) = failure.filter(|failure| is_no_answer(failure.kind())) else {
            outages.remove(service);
            return None;
        };
        // A tenant may name any region: an outage that no lease has asked about for long is forgotten.
        outages.retain(|_, outage| elapsed < outage.asked_at + FORGOTTEN_AFTER);
        let outage = outages.entry(service.clone()).or_insert_with(|| Outage {
            failure: failure.clone(),
            since: elapsed,
            asked_at: elapsed,
        });
        outage.failure = failure.clone();
        outage.asked_at = elapsed;
        Some(outage.share(elapsed, asker).ask_in)
    }

    /// Returns the sources with a service that gave no answer, in their order.
    pub(crate) fn open_sources(&self) -> BTreeSet<String> {
        self.lock().keys().map(|service| service.source.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Service, Outage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outage {
    /// Returns how long after the last failed call this lease may ask. `luck` is its place among
    /// those with equally many failures.
    fn pause(&self, asker: Probe, luck: f64) -> Duration {
        let lasted = self.asked_at.saturating_sub(self.since);
        let part = if lasted.is_zero() { PATIENCE_AT_FIRST } else { PATIENCE };
        let patience = (asker.left / part).min(LONGEST_PATIENCE);
        let pause = lasted.clamp(SHORTEST_PAUSE, LONGEST_PAUSE).max(patience);
        let turn = f64::from(asker.failures.min(MANY_CALLS)) * RETRY_PENALTY + luck * SPREAD;
        pause + pause.mul_f64(turn)
    }

    fn share(&self, elapsed: Duration, asker: Probe) -> Shared {
        let ask_at = self.asked_at + self.pause(asker, fastrand::f64());
        let ask_in = ask_at.saturating_sub(elapsed);
        let is_confirmed = self.asked_at > self.since;
        Shared { failure: self.failure.clone(), ask_in, is_confirmed }
    }
}

/// Whether the failure is the service's, and so everyone's; not of one lease's role or token.
fn is_no_answer(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unavailable | ErrorKind::Throttled | ErrorKind::TimedOut)
}
