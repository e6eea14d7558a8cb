//! Sources in their order.

use std::sync::Arc;

use crate::attempt::{Attempt, AttemptError, Links, Walk};
use crate::clock::Clock;
use crate::context::ProvideContext;
use crate::error::{ErrorKind, Failure};
use crate::form::CredentialForm;
use crate::source::CredentialSource;

/// Sources in their order. Only "not applicable" leads to the next one; a failure stops, unless the
/// configuration says otherwise.
///
/// ```
/// use s3_credential_core::{CredentialForm, SourceChain, SourceError, source_fn};
///
/// let vault =
///     source_fn("vault", |_| async { Err(SourceError::not_applicable("no vault here")) });
/// let chain = SourceChain::first_try(vault)
///     .or_else(source_fn("imds", |_| async { Ok(CredentialForm::InstanceProfile) }));
/// assert_eq!(chain.names().collect::<Vec<_>>(), ["vault", "imds"]);
/// ```
#[derive(Debug, Default)]
pub struct SourceChain(Links<dyn CredentialSource>);

impl SourceChain {
    /// A chain that begins with this source.
    pub fn first_try(source: impl CredentialSource) -> Self {
        Self::default().or_else(source)
    }

    /// Makes a chain of these sources.
    pub fn new(sources: impl IntoIterator<Item = Arc<dyn CredentialSource>>) -> Self {
        Self(sources.into_iter().fold(Links::default(), Links::and))
    }

    /// Adds a source that is asked where those before it do not apply.
    #[must_use]
    pub fn or_else(self, source: impl CredentialSource) -> Self {
        Self(self.0.and(Arc::new(source)))
    }

    /// Lets the chain go on when the source that was added last is broken. The volume may then get
    /// another identity than the one that was meant: say so only where every later source is as
    /// good.
    #[must_use]
    pub fn even_if_it_fails(self) -> Self {
        Self(self.0.last_goes_on_past_failure())
    }

    /// Returns the names of the sources in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.plugins().map(CredentialSource::name)
    }

    /// Returns the source of this name.
    pub fn source(&self, name: &str) -> Option<&Arc<dyn CredentialSource>> {
        self.0.plugins().find(|source| source.name() == name)
    }

    /// Returns the sources in their order.
    pub fn sources(&self) -> impl Iterator<Item = &Arc<dyn CredentialSource>> {
        self.0.plugins()
    }

    /// Asks the sources in their order.
    pub async fn provide(&self, clock: &dyn Clock, context: &ProvideContext) -> SourceAnswer {
        let walk =
            self.0.walk(clock, |source| source.name(), |source| source.provide(context)).await;
        answer(walk, exhausted)
    }

    /// Asks, in their order, the sources whose credentials come from the volume's own request. For
    /// an inline volume, which a tenant has written.
    ///
    /// # Errors
    /// `permission-denied` if only the other sources could have applied.
    pub async fn provide_from_request(
        &self,
        clock: &dyn Clock,
        context: &ProvideContext,
    ) -> SourceAnswer {
        let walk = self
            .0
            .walk(
                clock,
                |source| source.name(),
                |source| {
                    if source.is_from_request(context) {
                        return source.provide(context);
                    }
                    Box::pin(std::future::ready(Err(AttemptError::not_applicable(
                        "an inline (ephemeral) volume gets only the credentials of its own request",
                    ))))
                },
            )
            .await;
        answer(walk, |attempts, timed_out| {
            let exhausted = exhausted(attempts, timed_out);
            let is_refused = self.0.plugins().any(|source| !source.is_from_request(context));
            if timed_out || !is_refused {
                return exhausted;
            }
            Failure::new(ErrorKind::PermissionDenied, exhausted.message().to_owned()).with_help(
                "give the inline volume its own Secret (`nodePublishSecretRef`) or its pod's own role \
                 (`authenticationSource: pod`); the operator's credentials are for PersistentVolumes",
            )
        })
    }
}

fn answer(
    walk: Walk<CredentialForm>,
    exhausted: impl Fn(&[Attempt], bool) -> Failure,
) -> SourceAnswer {
    let result = match walk.result {
        Ok(Some((source, form))) => Ok(SourcedForm { source, form }),
        Ok(None) => Err(exhausted(&walk.attempts, walk.timed_out)),
        Err(failure) => Err(failure),
    };
    SourceAnswer { result, attempts: walk.attempts }
}

/// Credentials, and which source gave them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcedForm {
    /// The source's name.
    pub source: String,
    /// The form that it returned.
    pub form: CredentialForm,
}

/// The answer of a source chain, with the outcome of each source.
#[derive(Debug, Clone)]
pub struct SourceAnswer {
    /// The credentials, or why there are none.
    pub result: Result<SourcedForm, Failure>,
    /// Every source of the chain in its order.
    pub attempts: Vec<Attempt>,
}

fn exhausted(attempts: &[Attempt], timed_out: bool) -> Failure {
    let kind = if timed_out { ErrorKind::Unavailable } else { ErrorKind::NoSource };
    let mut help: Vec<&str> =
        attempts.iter().filter_map(|attempt| attempt.help.as_deref()).collect();
    help.dedup();
    Failure::new(kind, format!("no credential source applies: {}", Attempt::reasons(attempts)))
        .with_help(help.join("; or "))
}
