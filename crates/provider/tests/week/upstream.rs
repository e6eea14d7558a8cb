//! The upstream of a week: whatever it gives says itself when it ends.

use std::sync::Mutex;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use s3_credential_core::{Clock, ErrorKind, Failure};
use s3_credential_testkit::clock::TokioClock;

pub(crate) const WEEK: Duration = Duration::from_hours(7 * 24);

/// When, from the begin on, the upstream is away.
const OUTAGES: [(Duration, Duration); 2] = [
    (Duration::from_hours(30), Duration::from_hours(31)),
    (Duration::from_mins(100 * 60 + 17), Duration::from_mins(101 * 60 + 17)),
];

/// Of so many calls of one who asks, one fails; each has another first one.
const FAILS_EACH: usize = 100;

/// Fails now and then, and counts who asks how often.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) clock: TokioClock,
    calls: Mutex<Vec<Calls>>,
}

/// How often one has asked.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Calls {
    pub(crate) all: usize,
    /// While the upstream was away.
    pub(crate) in_vain: usize,
}

impl Upstream {
    /// For so many who ask. To be made when the week begins.
    pub(crate) fn new(askers: usize) -> Self {
        let clock = TokioClock::new(Timestamp::from_second(1_700_000_000).unwrap());
        Self { clock, calls: Mutex::new(vec![Calls::default(); askers]) }
    }

    /// When what is given now ends, if anything is given.
    pub(crate) fn ask(&self, asker: usize, life: Duration) -> Result<Timestamp, Failure> {
        let mut calls = self.calls.lock().unwrap();
        let calls = &mut calls[asker];
        calls.all += 1;
        let is_unlucky = (calls.all + asker).is_multiple_of(FAILS_EACH);
        let is_away = OUTAGES.iter().any(|(from, to)| (*from..*to).contains(&self.clock.elapsed()));
        calls.in_vain += usize::from(is_away);
        if is_away || is_unlucky {
            return Err(Failure::new(ErrorKind::Unavailable, "no answer"));
        }
        Ok(self.clock.now() + SignedDuration::try_from(life).unwrap())
    }

    /// How often each has asked.
    pub(crate) fn calls(&self) -> Vec<Calls> {
        self.calls.lock().unwrap().clone()
    }

    /// Whether who has nothing good now could not have helped it: it was due only when an outage had begun, and that has not been over
    /// for long.
    pub(crate) fn is_excused(&self, due_at: Timestamp, patience: Duration) -> bool {
        let begin = self.clock.now() - SignedDuration::try_from(self.clock.elapsed()).unwrap();
        OUTAGES.iter().any(|(from, to)| {
            // A call that fails by chance just before an outage is not made again in time.
            let last_chance = begin + *from - SignedDuration::from_secs(5);
            due_at >= last_chance && self.clock.now() <= begin + *to + patience
        })
    }
}

/// How many calls on average, as a multiple of the fewest with which one could have got through the week.
pub(crate) fn times_the_ideal(calls: &[usize], each_lasts: Duration) -> f64 {
    let ideal = WEEK.as_secs_f64() / each_lasts.as_secs_f64();
    let count = |count: usize| f64::from(u32::try_from(count).unwrap());
    count(calls.iter().sum()) / count(calls.len()) / (ideal + 1.0)
}
