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
    pub(crate) in_outage: usize,
    /// The calls that failed by chance: their callers have to ask again.
    pub(crate) unlucky: usize,
}

impl Calls {
    fn answered(self) -> usize {
        self.all - self.in_outage - self.unlucky
    }
}

impl Upstream {
    /// For so many who ask. To be made when the week begins.
    pub(crate) fn new(askers: usize) -> Self {
        let clock = TokioClock::new(Timestamp::from_second(1_700_000_000).unwrap());
        Self { clock, calls: Mutex::new(vec![Calls::default(); askers]) }
    }

    /// When what is given now ends, if anything is given. The first is some way through its life
    /// already, as a token that the kubelet has is: those who begin together are then due at any
    /// time.
    pub(crate) fn ask(&self, asker: usize, life: Duration) -> Result<Timestamp, Failure> {
        let mut calls = self.calls.lock().unwrap();
        let calls = &mut calls[asker];
        calls.all += 1;
        let is_unlucky = (calls.all + asker).is_multiple_of(FAILS_EACH);
        let is_away = OUTAGES.iter().any(|(from, to)| (*from..*to).contains(&self.clock.elapsed()));
        let first = calls.answered() == 1;
        if is_away || is_unlucky {
            calls.in_outage += usize::from(is_away);
            calls.unlucky += usize::from(!is_away);
            return Err(Failure::new(ErrorKind::Unavailable, "no answer"));
        }
        let life = if first { first_life(asker, life) } else { life };
        Ok(self.clock.now() + SignedDuration::try_from(life).unwrap())
    }

    /// How often each has asked.
    pub(crate) fn calls(&self) -> Vec<Calls> {
        self.calls.lock().unwrap().clone()
    }

    /// Returns whether missing valid credentials are excused: they were due only when an outage had
    /// begun, and that has not been over for long.
    pub(crate) fn is_excused(&self, due_at: Timestamp, patience: Duration) -> bool {
        let begin = self.clock.now() - SignedDuration::try_from(self.clock.elapsed()).unwrap();
        OUTAGES.iter().any(|(from, to)| {
            // A call that fails by chance just before an outage is not made again in time.
            let last_chance = begin + *from - SignedDuration::from_secs(5);
            due_at >= last_chance && self.clock.now() <= begin + *to + patience
        })
    }
}

/// How long the first lasts that is given to one who asks: a tenth of the life of all others at
/// least.
pub(crate) fn first_life(asker: usize, life: Duration) -> Duration {
    /// Far from every simple fraction, so that it spreads numbers that follow each other.
    const GOLDEN: f64 = 0.618_033_988_749_895;
    let spread = (f64::from(u32::try_from(asker).unwrap()) * GOLDEN).fract();
    life.mul_f64(0.1 + spread * 0.9)
}

/// With how few calls one could have got through the week who goes so long with the first and with
/// each other thing that is given.
pub(crate) fn fewest_calls(calls: Calls, first: Duration, each: Duration) -> f64 {
    let others = WEEK.saturating_sub(first).as_secs_f64() / each.as_secs_f64();
    2.0 + others.floor() + count(calls.unlucky)
}

pub(crate) fn count(calls: usize) -> f64 {
    f64::from(u32::try_from(calls).unwrap())
}
