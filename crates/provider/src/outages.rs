//! What is known of the services behind the sources: that one is down is found out once, not once for each lease.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use s3_credential_core::{ErrorKind, Failure};

/// How long a failure is shared before one lease asks again: a share of the time that the outage lasts, within these limits.
const SHARE_OF_OUTAGE: u32 = 8;
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// The sources whose services gave no answer when they were last asked.
#[derive(Debug, Default)]
pub(crate) struct Outages(Mutex<HashMap<String, Outage>>);

#[derive(Debug)]
struct Outage {
    failure: Failure,
    /// On the clock that never goes back, as is the next one.
    since: Duration,
    ask_at: Duration,
}

/// The failure of another lease of the same source, and when it is worth asking again.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) failure: Failure,
    pub(crate) ask_in: Duration,
}

impl Outages {
    /// Lets one lease ask, and tells the others what came of it before.
    pub(crate) fn admit(&self, source: &str, elapsed: Duration) -> Result<(), Shared> {
        let mut outages = self.lock();
        let Some(outage) = outages.get_mut(source) else {
            return Ok(());
        };
        if elapsed < outage.ask_at {
            return Err(Shared {
                failure: outage.failure.clone(),
                ask_in: outage.ask_at.saturating_sub(elapsed),
            });
        }
        outage.pause(elapsed);
        Ok(())
    }

    /// Takes note of what came of asking. Any answer ends the outage, a refusal too.
    pub(crate) fn report(&self, source: &str, elapsed: Duration, failure: Option<&Failure>) {
        let mut outages = self.lock();
        match failure.filter(|failure| is_no_answer(failure.kind())) {
            None => {
                outages.remove(source);
            }
            Some(failure) => {
                let outage = outages.entry(source.to_owned()).or_insert_with(|| Outage {
                    failure: failure.clone(),
                    since: elapsed,
                    ask_at: elapsed,
                });
                outage.failure = failure.clone();
                outage.pause(elapsed);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Outage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outage {
    fn pause(&mut self, elapsed: Duration) {
        let share = elapsed.saturating_sub(self.since) / SHARE_OF_OUTAGE;
        self.ask_at = elapsed + share.clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
    }
}

/// Whether the failure is the service's, and so everyone's; not of one lease's role or token.
fn is_no_answer(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unavailable | ErrorKind::Throttled | ErrorKind::TimedOut)
}
