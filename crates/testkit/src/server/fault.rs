//! Planned faults.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;

use super::{Request, Response};
use crate::lock;

/// Stands for every operation in a plan; a plan for the operation itself goes first.
pub const ANY: &str = "*";

/// One way to go wrong, with an optional delay before it.
#[derive(Clone)]
pub struct Fault {
    pub(super) delay: Duration,
    pub(super) effect: Effect,
}

#[derive(Clone)]
pub(super) enum Effect {
    None,
    Answer(Arc<dyn Fn(&Request) -> Response + Send + Sync>),
    Hang,
    Half,
    Rewrite(Arc<dyn Fn(String) -> String + Send + Sync>),
    Reset,
}

impl Fault {
    /// The right answer, late.
    pub fn latency(delay: Duration) -> Self {
        Self { delay, effect: Effect::None }
    }

    /// This status and body in place of the answer.
    pub fn status(status: u16, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self::answer(move |_| Response::new(status, body.clone()))
    }

    /// The response that `answer` makes in place of the handler's: a documented error of the
    /// service.
    pub fn answer(answer: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        Self::of(Effect::Answer(Arc::new(answer)))
    }

    /// 200 with bytes that are a document of no kind.
    pub fn garbage() -> Self {
        Self::status(200, &b"\x00\xff<}{ garbage \x1b["[..])
    }

    /// Takes the request and never answers.
    pub fn hang() -> Self {
        Self::of(Effect::Hang)
    }

    /// Does what was asked, sends half of the answer, and closes.
    pub fn half_answer() -> Self {
        Self::of(Effect::Half)
    }

    /// Does what was asked, and answers with the right status and a body changed by `rewrite`: a
    /// malformed success that still carries the keys. A streamed body is not changed.
    pub fn rewrite(rewrite: impl Fn(String) -> String + Send + Sync + 'static) -> Self {
        Self::of(Effect::Rewrite(Arc::new(rewrite)))
    }

    /// Resets the connection (TCP RST) instead of an answer.
    pub fn reset() -> Self {
        Self::of(Effect::Reset)
    }

    /// The same fault, this much later.
    #[must_use]
    pub fn delayed(mut self, delay: Duration) -> Self {
        self.delay += delay;
        self
    }

    fn of(effect: Effect) -> Self {
        Self { delay: Duration::ZERO, effect }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = match self.effect {
            Effect::None => "latency",
            Effect::Answer(_) => "answer",
            Effect::Hang => "hang",
            Effect::Half => "half answer",
            Effect::Rewrite(_) => "rewrite",
            Effect::Reset => "reset",
        };
        write!(f, "{effect} after {:?}", self.delay)
    }
}

/// The faults that are still to come, by operation. Plans for one operation are taken in the order
/// in which they were made.
#[derive(Debug, Default)]
pub struct Faults(Mutex<BTreeMap<String, VecDeque<Plan>>>);

#[derive(Debug)]
struct Plan {
    fault: Fault,
    /// Calls left, or until cleared.
    left: Option<usize>,
}

impl Faults {
    /// The next call of `operation` (or [`ANY`]).
    pub fn once(&self, operation: &str, fault: impl Into<Fault>) {
        self.times(operation, 1, fault);
    }

    /// The next `count` calls.
    pub fn times(&self, operation: &str, count: usize, fault: impl Into<Fault>) {
        if count > 0 {
            self.plan(operation, fault.into(), Some(count));
        }
    }

    /// Every call until it is cleared.
    pub fn always(&self, operation: &str, fault: impl Into<Fault>) {
        self.plan(operation, fault.into(), None);
    }

    /// Forgets the plans for one operation. What hangs already goes on hanging.
    pub fn clear(&self, operation: &str) {
        self.plans().remove(operation);
    }

    /// Forgets all plans.
    pub fn clear_all(&self) {
        self.plans().clear();
    }

    pub(super) fn take(&self, operation: &str) -> Option<Fault> {
        let mut plans = self.plans();
        let key = [operation, ANY].into_iter().find(|key| plans.contains_key(*key))?;
        let queue = plans.get_mut(key)?;
        let plan = queue.front_mut()?;
        let fault = plan.fault.clone();
        if let Some(left) = &mut plan.left {
            *left -= 1;
            if *left == 0 {
                queue.pop_front();
            }
        }
        if queue.is_empty() {
            plans.remove(key);
        }
        Some(fault)
    }

    fn plan(&self, operation: &str, fault: Fault, left: Option<usize>) {
        let mut plans = self.plans();
        plans.entry(operation.to_owned()).or_default().push_back(Plan { fault, left });
    }

    fn plans(&self) -> MutexGuard<'_, BTreeMap<String, VecDeque<Plan>>> {
        lock(&self.0)
    }
}
