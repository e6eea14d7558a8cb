//! How fast a rate-limited STS is called, by all callers of a process together.
//!
//! All processes of an account and region share one limit, and no process knows of another. A
//! process learns of the limit from three facts: its own throttled answers, the number of its
//! callers that wait, and whether it has just started (then a whole cluster may have).
//!
//! - While STS grants every call, no caller waits.
//! - From the first throttled answer on, calls are made one at a time, in the order of the callers.
//!   The interval between two begins by the number of callers, doubles with a throttled answer and
//!   shrinks by a fifth with a granted one; after several granted ones in a row it is halved.
//! - After a quiet time the first call is alone. If many callers wait by then, or where a limit has
//!   passed, the next calls follow at intervals that halve with each grant.
//! - A process that has just started delays its first call by a random time, which is proportional
//!   to the number of callers.
//!
//! The numbers are from a simulation of a cluster that starts (docs/performance.md).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::settings::StsSettings;

/// The first interval after a throttled answer, by the initial backoff.
const FIRST: u32 = 5;

/// The longest interval, by the initial backoff; 16 seconds with the default settings.
const LONGEST: u32 = FIRST * 32;

/// What a granted call leaves of the interval.
const AFTER_GRANT: f64 = 0.8;

/// After so many granted calls in a row, each halves the interval: the limit is gone.
const GRANTS_IN_A_ROW: u32 = 5;

/// As many callers are no crowd.
const FEW: usize = 3;

/// The first interval of a crowd while STS has refused none of its calls, by the initial backoff. A
/// sixteenth of it ends the ramp.
const RAMP: u32 = 2;
const RAMP_END: u32 = 16;

/// After so long without a call, what was learned of the limit is out of date.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(5);

/// How long a process counts as one that has just started.
const STARTUP: Duration = Duration::from_secs(30);

/// The longest delay of the first call.
const LONGEST_STARTUP_DELAY: Duration = Duration::from_secs(10);

/// The rate limiter of each endpoint.
#[derive(Debug)]
pub(crate) struct RateLimiters {
    pacing: Pacing,
    limiters: Mutex<HashMap<String, Arc<RateLimiter>>>,
}

#[derive(Debug, Clone, Copy)]
struct Pacing {
    initial_backoff: Duration,
    startup_jitter: Duration,
    process_start: Instant,
}

/// The rate limiter of one endpoint.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    pacing: Pacing,
    /// Held by the caller whose call is next.
    line: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// Of the calls that begin at one interval, the first answer decides the next interval.
    generation: u64,
    /// The callers in the line.
    waiting: usize,
    last_call: Option<Instant>,
    /// Between 0 and 1; the process's own part of the time in which processes start to call.
    share: f64,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// The limit is unknown. The first caller came at `since`; its call is under way if `called`.
    Unknown { since: Option<Instant>, called: bool },
    /// A crowd's calls begin slowly.
    Ramp { interval: Duration, next: Instant },
    /// STS grants every call.
    Open,
    /// STS limits the rate.
    Limited { interval: Duration, next: Instant, grants: u32 },
}

/// What a caller in the line waits for.
enum Wait {
    Until(Instant),
    Answer,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// STS answered, with keys or with a reason of its own.
    Granted,
    Throttled,
    /// STS did not answer, so the limit stays unknown.
    NoAnswer,
}

/// The right to make one call. Dropping it without a report counts as no answer.
#[derive(Debug)]
pub(crate) struct Permit {
    limiter: Arc<RateLimiter>,
    generation: u64,
    is_reported: bool,
}

impl RateLimiters {
    pub(crate) fn new(settings: &StsSettings) -> Self {
        let pacing = Pacing {
            initial_backoff: settings.initial_backoff,
            startup_jitter: settings.startup_jitter.unwrap_or_default(),
            process_start: Instant::now(),
        };
        Self { pacing, limiters: Mutex::default() }
    }

    /// Returns the limiter of an endpoint.
    pub(crate) fn limiter(&self, endpoint: &str) -> Arc<RateLimiter> {
        let mut limiters = lock(&self.limiters);
        if let Some(limiter) = limiters.get(endpoint) {
            return Arc::clone(limiter);
        }
        // A tenant may name any region: what was learned of an endpoint goes when it is out of date.
        let now = Instant::now();
        limiters.retain(|_, limiter| !lock(&limiter.state).is_out_of_date(now));
        let limiter = Arc::new(RateLimiter::new(self.pacing));
        limiters.insert(endpoint.to_owned(), Arc::clone(&limiter));
        limiter
    }
}

impl RateLimiter {
    fn new(pacing: Pacing) -> Self {
        let state = State {
            phase: Phase::UNKNOWN,
            generation: 0,
            waiting: 0,
            last_call: None,
            // The root keeps the processes from starting early, when few of their callers have
            // come.
            share: fastrand::f64().sqrt(),
        };
        Self {
            pacing,
            line: tokio::sync::Mutex::default(),
            state: Mutex::new(state),
            changed: Notify::new(),
        }
    }

    /// Waits for a permit. Returns `None` if there is none before the deadline.
    pub(crate) async fn acquire(self: &Arc<Self>, deadline: Instant) -> Option<Permit> {
        if let Ok(permit) = self.try_acquire() {
            return Some(permit);
        }
        let _waiting = Waiting::new(self);
        let in_line = async {
            let _next = self.line.lock().await;
            loop {
                match self.try_acquire() {
                    Ok(permit) => return Some(permit),
                    Err(Wait::Until(at)) if at >= deadline => return None,
                    Err(Wait::Until(at)) => tokio::select! {
                        () = sleep_until(at) => {}
                        () = self.changed.notified() => {}
                    },
                    Err(Wait::Answer) => self.changed.notified().await,
                }
            }
        };
        timeout_at(deadline, in_line).await.ok()?
    }

    fn try_acquire(self: &Arc<Self>) -> Result<Permit, Wait> {
        let now = Instant::now();
        let mut state = lock(&self.state);
        state.forget(now);
        let waiting = state.waiting.max(1);
        match &mut state.phase {
            Phase::Open => {}
            Phase::Unknown { called: true, .. } => return Err(Wait::Answer),
            Phase::Unknown { since, called } => {
                let since = *since.get_or_insert(now);
                *called = true;
                let start = since + self.pacing.startup_delay(now, waiting).mul_f64(state.share);
                if now < start {
                    state.phase = Phase::Unknown { since: Some(since), called: false };
                    return Err(Wait::Until(start));
                }
            }
            Phase::Ramp { next, .. } | Phase::Limited { next, .. } if now < *next => {
                return Err(Wait::Until(*next));
            }
            Phase::Ramp { interval, next } | Phase::Limited { interval, next, .. } => {
                *next = now + about(*interval);
            }
        }
        state.last_call = Some(now);
        let generation = state.generation;
        Ok(Permit { limiter: Arc::clone(self), generation, is_reported: false })
    }

    fn report(&self, generation: u64, outcome: Outcome) {
        let mut state = lock(&self.state);
        if generation != state.generation {
            return;
        }
        let Some(phase) = self.pacing.phase_after(state.phase, outcome, state.waiting) else {
            return;
        };
        state.generation += 1;
        state.phase = phase;
        drop(state);
        self.changed.notify_one();
    }
}

impl Pacing {
    /// Returns the longest time by which a process with so many callers delays its first call.
    fn startup_delay(self, now: Instant, waiting: usize) -> Duration {
        if now >= self.process_start + STARTUP {
            return Duration::ZERO;
        }
        times(self.startup_jitter, waiting).min(LONGEST_STARTUP_DELAY)
    }

    /// Returns the phase that follows the answer, or `None` if the answer brings no news.
    fn phase_after(self, phase: Phase, outcome: Outcome, waiting: usize) -> Option<Phase> {
        let next = match (phase, outcome) {
            (Phase::Limited { interval, .. }, Outcome::Throttled) => {
                Phase::limited((interval * 2).min(self.initial_backoff * LONGEST), 0)
            }
            (_, Outcome::Throttled) => Phase::limited(self.first_interval(waiting + 1), 0),
            (Phase::Unknown { .. }, Outcome::Granted) => self.granted_to(waiting),
            (Phase::Unknown { .. }, Outcome::NoAnswer) => Phase::Open,
            (_, Outcome::NoAnswer) | (Phase::Open, _) => return None,
            (Phase::Ramp { interval, .. }, Outcome::Granted) => match interval / 2 {
                interval if interval < self.ramp() / RAMP_END => Phase::Open,
                interval => Phase::ramp(interval),
            },
            (Phase::Limited { interval, grants, .. }, Outcome::Granted) => {
                let grants = grants + 1;
                let factor = if grants < GRANTS_IN_A_ROW { AFTER_GRANT } else { 0.5 };
                match interval.mul_f64(factor) {
                    interval if interval < self.initial_backoff * FIRST / 2 => {
                        self.granted_to(waiting)
                    }
                    interval => Phase::limited(interval, grants),
                }
            }
        };
        Some(next)
    }

    /// Returns how calls go on while STS grants them: at once for a few callers, slowly for a
    /// crowd.
    fn granted_to(self, waiting: usize) -> Phase {
        if waiting > FEW { Phase::ramp(self.ramp()) } else { Phase::Open }
    }

    fn ramp(self) -> Duration {
        self.initial_backoff * RAMP
    }

    fn first_interval(self, callers: usize) -> Duration {
        times(self.initial_backoff, callers)
            .clamp(self.initial_backoff * FIRST, self.initial_backoff * LONGEST)
    }
}

impl Phase {
    const UNKNOWN: Self = Self::Unknown { since: None, called: false };

    fn ramp(interval: Duration) -> Self {
        Self::Ramp { interval, next: Instant::now() + about(interval) }
    }

    fn limited(interval: Duration, grants: u32) -> Self {
        Self::Limited { interval, next: Instant::now() + about(interval), grants }
    }
}

impl State {
    fn is_out_of_date(&self, now: Instant) -> bool {
        let is_quiet = |last: Instant| now >= last + FORGOTTEN_AFTER;
        self.waiting == 0 && self.last_call.is_some_and(is_quiet)
    }

    /// Forgets a limit that is out of date.
    fn forget(&mut self, now: Instant) {
        if self.is_out_of_date(now) {
            self.phase = Phase::UNKNOWN;
            self.generation += 1;
            self.last_call = None;
        }
    }
}

impl Permit {
    /// Reports how the call ended.
    pub(crate) fn report(mut self, outcome: Outcome) {
        self.is_reported = true;
        self.limiter.report(self.generation, outcome);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.is_reported {
            self.limiter.report(self.generation, Outcome::NoAnswer);
        }
    }
}

/// A caller in the line.
struct Waiting<'a>(&'a RateLimiter);

impl<'a> Waiting<'a> {
    fn new(limiter: &'a RateLimiter) -> Self {
        lock(&limiter.state).waiting += 1;
        Self(limiter)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).waiting -= 1;
    }
}

/// Somewhat shorter or longer, so that throttled processes do not come back together.
fn about(interval: Duration) -> Duration {
    interval.mul_f64(0.5 + fastrand::f64())
}

fn times(duration: Duration, count: usize) -> Duration {
    duration.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under these locks is one step: a poisoned one is as good as any.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
