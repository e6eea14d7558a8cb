//! How fast an STS is asked that limits the rate: by all of a process together, for they share one
//! limit with all other processes of the account.
//!
//! While STS answers, no call waits. From the first refusal on, one call is made at a time, in the
//! order of arrival, with a pause between two. The pause doubles with a refusal and halves with an
//! answer. So many processes share the allowed rate without knowing of each other. Each is refused
//! about as often as answered, and none asks for every volume that waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

/// The longest pause, by the first; 16 seconds with the default settings. It is shorter than the
/// time for which a caller waits, so that every turn has a waiting caller.
const LONGEST: u32 = 32;

/// After so long without a call, the limit is unknown again.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(5);

/// The pace at each endpoint.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<HashMap<String, Arc<Gate>>>);

/// The pace at one endpoint.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// Held by who is the next to call.
    line: tokio::sync::Mutex<()>,
    limit: Mutex<Limit>,
}

#[derive(Debug, Default)]
struct Limit {
    /// Of the calls that began at one pace, the first answer decides the next.
    generation: u64,
    pause: Duration,
    /// `None` where the rate is not limited.
    next: Option<Instant>,
}

/// The right to make a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turn {
    generation: u64,
}

impl Pace {
    /// Returns the gate of an endpoint.
    pub(crate) fn gate(&self, endpoint: &str) -> Arc<Gate> {
        let mut gates = lock(&self.0);
        match gates.get(endpoint) {
            Some(gate) => Arc::clone(gate),
            None => Arc::clone(gates.entry(endpoint.to_owned()).or_default()),
        }
    }
}

impl Gate {
    /// Waits for a turn; `None` if it does not come before the deadline.
    pub(crate) async fn turn(&self, deadline: Instant) -> Option<Turn> {
        if let Ok(turn) = self.try_turn() {
            return Some(turn);
        }
        let in_line = async {
            let _next = self.line.lock().await;
            loop {
                match self.try_turn() {
                    Ok(turn) => return Some(turn),
                    Err(at) if at >= deadline => return None,
                    Err(at) => sleep_until(at).await,
                }
            }
        };
        timeout_at(deadline, in_line).await.ok()?
    }

    /// Returns a turn, or when to try again.
    fn try_turn(&self) -> Result<Turn, Instant> {
        let now = Instant::now();
        let mut limit = lock(&self.limit);
        match limit.next {
            Some(next) if now >= next + FORGOTTEN_AFTER => limit.next = None,
            Some(next) if now < next => return Err(next),
            Some(_) => limit.next = Some(now + about(limit.pause)),
            None => {}
        }
        Ok(Turn { generation: limit.generation })
    }

    /// Takes note of what came of a turn; `first` is the pause after a first refusal.
    pub(crate) fn report(&self, turn: Turn, is_throttled: bool, first: Duration) {
        let mut limit = lock(&self.limit);
        if turn.generation != limit.generation || (limit.next.is_none() && !is_throttled) {
            return;
        }
        limit.generation += 1;
        limit.pause = match (limit.next, is_throttled) {
            (None, _) => first,
            (Some(_), true) => (limit.pause * 2).min(first * LONGEST),
            (Some(_), false) => limit.pause / 2,
        };
        let is_limited = limit.pause >= first / 2;
        limit.next = is_limited.then(|| Instant::now() + about(limit.pause));
    }
}

/// Somewhat shorter or longer, so that processes that were refused together do not come back
/// together.
fn about(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + fastrand::f64())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under these locks is one step: a poisoned one is as good as any.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
