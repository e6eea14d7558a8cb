//! An upstream that counts its calls and gives the planned answers, and a clock that follows
//! tokio's time except for jumps of the wall clock.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use s3_credential_core::{Clock, ErrorKind, Failure, Keys};
use s3_credential_provider::{CachedKeys, CachedKeysBuilder};
use s3_credential_testkit::clock::TokioClock;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until};

pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const MINUTE: Duration = Duration::from_mins(1);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MILLISECOND: Duration = Duration::from_millis(1);

#[derive(Debug, Clone)]
pub(crate) struct JumpingClock {
    tokio: TokioClock,
    jump: Arc<AtomicI64>,
}

impl JumpingClock {
    pub(crate) fn new() -> Self {
        Self {
            tokio: TokioClock::new("2026-11-23T12:00:00Z".parse().unwrap()),
            jump: Arc::default(),
        }
    }

    /// The wall clock is this many seconds away from where it would be.
    pub(crate) fn jump(&self, seconds: i64) {
        self.jump.store(seconds, Ordering::Relaxed);
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> Timestamp {
        self.tokio.now() + SignedDuration::from_secs(self.jump.load(Ordering::Relaxed))
    }

    fn elapsed(&self) -> Duration {
        self.tokio.elapsed()
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    /// Keys that last this long.
    Keys(Duration),
    LongTermKeys,
    Failure(ErrorKind),
    Panic,
}

#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    pub(crate) clock: JumpingClock,
    plan: Arc<Mutex<(Duration, Answer)>>,
    calls: Arc<Mutex<Vec<Instant>>>,
}

impl Upstream {
    /// Keys that last an hour, at once.
    pub(crate) fn new() -> Self {
        Self {
            clock: JumpingClock::new(),
            plan: Arc::new(Mutex::new((Duration::ZERO, Answer::Keys(HOUR)))),
            calls: Arc::default(),
        }
    }

    /// From now on answers take this long, and are this.
    pub(crate) fn answer(&self, after: Duration, answer: Answer) {
        *self.plan.lock().unwrap() = (after, answer);
    }

    pub(crate) fn fail(&self) {
        self.answer(Duration::ZERO, Answer::Failure(ErrorKind::Unavailable));
    }

    /// When each call began.
    pub(crate) fn calls(&self) -> Vec<Instant> {
        self.calls.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.calls().len()
    }

    /// The access key id of the last answer.
    pub(crate) fn last(&self) -> String {
        format!("KEY{}", self.count())
    }

    /// The answer to call 1 has the access key id `KEY1`, and so on.
    async fn call(self) -> Result<Keys, Failure> {
        let number = {
            let mut calls = self.calls.lock().unwrap();
            calls.push(Instant::now());
            calls.len()
        };
        let (after, answer) = *self.plan.lock().unwrap();
        if !after.is_zero() {
            sleep_until(Instant::now() + after).await;
        }
        let keys =
            Keys::new(format!("KEY{number}"), "canary-secret").with_session_token("canary-session");
        match answer {
            Answer::Keys(lifetime) => Ok(keys.with_expires_at(self.clock.now() + lifetime)),
            Answer::LongTermKeys => Ok(keys),
            Answer::Failure(kind) => Err(Failure::new(kind, format!("refused, call {number}"))),
            Answer::Panic => panic!("the upstream panics, as this test wants it"),
        }
    }

    pub(crate) fn builder(&self) -> CachedKeysBuilder {
        let upstream = self.clone();
        CachedKeys::builder(move || upstream.clone().call()).clock(Arc::new(self.clock.clone()))
    }

    pub(crate) fn cached(&self) -> CachedKeys {
        self.builder().build(Handle::current())
    }
}

/// Which call the keys are from.
pub(crate) fn id(keys: &Keys) -> &str {
    keys.access_key_id.expose()
}

/// Which call the keys are from that a reader gets now.
pub(crate) fn current(cached: &CachedKeys) -> Option<String> {
    cached.current().map(|keys| id(&keys).to_owned())
}
