//! One way to ask plug-ins in their order, for sources and resolvers alike.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::catch_panic::catch_panic;
use crate::clock::Clock;
use crate::error::{ErrorKind, Failure};

/// The reason why a plug-in gave no answer: it does not apply here, or it is broken. Only the first
/// lets a chain go on.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AttemptError {
    /// The plug-in's input is missing, or not meant for this volume.
    #[error(transparent)]
    NotApplicable(NotApplicable),
    /// The plug-in's input exists and does not work.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl AttemptError {
    /// "Does not apply here", with the reason that a user reads when the chain is exhausted.
    pub fn not_applicable(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::NotApplicable(NotApplicable::new(reason))
    }

    /// A failure of this kind.
    pub fn failed(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Failed(Failure::new(kind, message))
    }

    /// Says what the user should do, naming the setting to change.
    #[must_use]
    pub fn with_help(self, help: impl Into<Cow<'static, str>>) -> Self {
        match self {
            Self::NotApplicable(skip) => {
                Self::NotApplicable(NotApplicable { help: help.into(), ..skip })
            }
            Self::Failed(failure) => Self::Failed(failure.with_help(help)),
        }
    }

    /// Returns whether a chain may go on to its next plug-in.
    pub fn is_not_applicable(&self) -> bool {
        matches!(self, Self::NotApplicable(_))
    }
}

/// The reason why a plug-in does not apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotApplicable {
    reason: Cow<'static, str>,
    help: Cow<'static, str>,
    timed_out: bool,
}

impl NotApplicable {
    /// Makes one with this reason.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.into(), help: Cow::Borrowed(""), timed_out: false }
    }

    /// Marks that no answer came in time. The chain still goes on, and its exhaustion becomes
    /// retryable.
    #[must_use]
    pub fn timed_out(mut self) -> Self {
        self.timed_out = true;
        self
    }

    /// Returns whether no answer came in time.
    pub fn is_time_out(&self) -> bool {
        self.timed_out
    }

    /// Returns the reason.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Returns what to do; empty if there is no advice.
    pub fn help(&self) -> &str {
        &self.help
    }
}

impl fmt::Display for NotApplicable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for NotApplicable {}

/// The outcome of one plug-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It gave the answer.
    Provided,
    /// It does not apply to this volume.
    NotApplicable,
    /// It is broken.
    Failed,
    /// The chain had stopped before it.
    NotTried,
}

impl Outcome {
    /// The word in output and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provided => "provided",
            Self::NotApplicable => "not-applicable",
            Self::Failed => "failed",
            Self::NotTried => "not-tried",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One plug-in's part in a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The plug-in's name.
    pub plugin: String,
    /// The outcome.
    pub outcome: Outcome,
    /// The reason; `None` if it provided or was not tried.
    pub reason: Option<String>,
    /// What to do; `None` if there is no advice.
    pub help: Option<String>,
    /// The duration of the attempt.
    pub duration: Duration,
}

impl Attempt {
    fn new(plugin: &str, outcome: Outcome, duration: Duration) -> Self {
        Self { plugin: plugin.to_owned(), outcome, reason: None, help: None, duration }
    }

    fn because(mut self, reason: &str, help: &str) -> Self {
        self.reason = Some(reason.to_owned());
        self.help = (!help.is_empty()).then(|| help.to_owned());
        self
    }

    /// "name: reason; name: reason", for a message on one line.
    pub fn reasons(attempts: &[Self]) -> String {
        let reasons: Vec<_> = attempts
            .iter()
            .filter_map(|attempt| Some(format!("{}: {}", attempt.plugin, attempt.reason.as_ref()?)))
            .collect();
        if reasons.is_empty() { "the chain is empty".to_owned() } else { reasons.join("; ") }
    }
}

/// Plug-ins in their order.
pub(crate) struct Links<P: ?Sized>(Vec<Link<P>>);

struct Link<P: ?Sized> {
    plugin: Arc<P>,
    goes_on_past_failure: bool,
}

impl<P: ?Sized> Default for Links<P> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<P: ?Sized + fmt::Debug> fmt::Debug for Links<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

impl<P: ?Sized + fmt::Debug> fmt::Debug for Link<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.plugin.fmt(f)?;
        f.write_str(if self.goes_on_past_failure { " or else" } else { "" })
    }
}

type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, AttemptError>> + Send + 'a>>;

/// The result of a walk along the links.
pub(crate) struct Walk<T> {
    /// The plug-in's name and its answer. `Ok(None)` if every plug-in was not applicable. Otherwise
    /// the first retryable failure, or the first failure if none is retryable, whether the chain
    /// went on past it or stopped there. A permanent failure that the chain went on past is
    /// `Ok(None)` where another plug-in timed out: that plug-in may answer later.
    pub(crate) result: Result<Option<(String, T)>, Failure>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) timed_out: bool,
}

impl<P: ?Sized> Links<P> {
    pub(crate) fn and(mut self, plugin: Arc<P>) -> Self {
        self.0.push(Link { plugin, goes_on_past_failure: false });
        self
    }

    pub(crate) fn last_goes_on_past_failure(mut self) -> Self {
        if let Some(last) = self.0.last_mut() {
            last.goes_on_past_failure = true;
        }
        self
    }

    pub(crate) fn plugins(&self) -> impl Iterator<Item = &Arc<P>> {
        self.0.iter().map(|link| &link.plugin)
    }

    /// Asks one plug-in after another. Only "not applicable" leads to the next one, unless a link
    /// says otherwise.
    pub(crate) async fn walk<'a, T>(
        &'a self,
        clock: &dyn Clock,
        name: impl Fn(&'a P) -> &'a str,
        ask: impl Fn(&'a P) -> Asked<'a, T>,
    ) -> Walk<T> {
        let mut walk =
            Walk { result: Ok(None), attempts: Vec::with_capacity(self.0.len()), timed_out: false };
        let mut stopped = false;
        for link in &self.0 {
            let name = name(&link.plugin);
            if stopped {
                walk.attempts.push(Attempt::new(name, Outcome::NotTried, Duration::ZERO));
                continue;
            }
            let started = clock.elapsed();
            // The call itself may panic as well, before there is a future.
            let answer = catch_panic(async { ask(&link.plugin).await }).await;
            let took = clock.elapsed().saturating_sub(started);
            walk.attempts.push(match answer {
                Ok(answer) => {
                    walk.result = Ok(Some((name.to_owned(), answer)));
                    stopped = true;
                    Attempt::new(name, Outcome::Provided, took)
                }
                Err(AttemptError::NotApplicable(skip)) => {
                    walk.timed_out |= skip.timed_out;
                    Attempt::new(name, Outcome::NotApplicable, took)
                        .because(&skip.reason, &skip.help)
                }
                Err(AttemptError::Failed(failure)) => {
                    stopped = !link.goes_on_past_failure;
                    let attempt = Attempt::new(name, Outcome::Failed, took)
                        .because(failure.message(), failure.help());
                    walk.result = match walk.result {
                        Err(first) if first.is_retryable() || !failure.is_retryable() => Err(first),
                        _ => Err(failure),
                    };
                    attempt
                }
            });
        }
        let stays = walk.result.as_ref().is_err_and(|failure| !failure.is_retryable());
        if !stopped && walk.timed_out && stays {
            walk.result = Ok(None);
        }
        walk
    }
}
