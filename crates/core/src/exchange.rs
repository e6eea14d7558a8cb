//! Turning a form into keys.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::Failure;
use crate::form::{CredentialForm, Keys};
use crate::region::Region;

/// The parameters of an exchange, in addition to the form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExchangeRequest {
    /// The region whose STS is called.
    pub region: Option<Region>,
    /// An inline session policy that narrows what the keys may do.
    pub policy: Option<String>,
    /// The lifetime of the keys, for a service that allows a choice.
    pub duration: Option<Duration>,
}

/// Turns one form of credentials into keys: STS a web identity, the agent a container address, IMDS
/// the instance profile.
///
/// # Guarantees
/// Called only with the form that it was registered for.
///
/// # Errors
/// A failure that a later call may not show is retryable. What cannot be narrowed by the request's
/// policy is refused, never widened.
#[async_trait]
pub trait KeyExchange: fmt::Debug + Send + Sync + 'static {
    /// Keys for this form.
    async fn exchange(
        &self,
        form: &CredentialForm,
        request: &ExchangeRequest,
    ) -> Result<Keys, Failure>;
}

#[async_trait]
#[deny(clippy::missing_trait_methods, reason = "a method that is not forwarded is lost")]
impl<E: KeyExchange + ?Sized> KeyExchange for Arc<E> {
    async fn exchange(
        &self,
        form: &CredentialForm,
        request: &ExchangeRequest,
    ) -> Result<Keys, Failure> {
        (**self).exchange(form, request).await
    }
}
