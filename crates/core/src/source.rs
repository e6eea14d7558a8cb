//! The credential-source plug-in.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;

use crate::attempt::AttemptError;
use crate::context::ProvideContext;
use crate::form::CredentialForm;
use crate::permission::Permission;
use crate::signal::Changes;

/// Names of the sources that this workspace brings, as they appear in chains, configuration and
/// output.
pub mod source_names {
    /// The driver's own web-identity token and role.
    pub const IRSA: &str = "irsa";
    /// EKS Pod Identity, at driver and pod level.
    pub const POD_IDENTITY: &str = "pod-identity";
    /// The secrets of the publish request (`nodePublishSecretRef`).
    pub const SECRET_REQUEST: &str = "secret-request";
    /// One Secret, watched through the Kubernetes API.
    pub const SECRET_WATCH: &str = "secret-watch";
    /// A mounted directory of a Secret.
    pub const SECRET_DIRECTORY: &str = "secret-directory";
    /// The driver's environment variables.
    pub const SECRET_ENVIRONMENT: &str = "secret-environment";
    /// The instance profile.
    pub const IMDS: &str = "imds";
    /// The pod's service-account token as a web identity.
    pub const POD_TOKEN: &str = "pod-token";
    /// The driver's own AWS profile files.
    pub const PROFILE: &str = "profile";
}

/// A plug-in that yields credentials for a volume.
///
/// # Guarantees
/// A chain calls its sources in their order, one at a time, and stops at the first answer and at
/// the first failure. `provide` is called again for a live volume whenever its credentials are due,
/// so it returns what is valid now and need not remember volumes.
///
/// # Assumptions
/// A source writes no file and keeps no process alive: what it returns is delivered by others.
///
/// # Errors
/// "Does not apply here" is [`AttemptError::NotApplicable`] with the reason that a user will read.
/// A source that is configured but broken, half-configured included, fails: going on would give the
/// volume another identity.
///
/// # Caveats
/// The call ends when the caller's deadline does: the future may be dropped at any await.
#[async_trait]
pub trait CredentialSource: fmt::Debug + Send + Sync + 'static {
    /// Returns the name in chains, configuration, output and metrics.
    fn name(&self) -> &str;

    /// Returns the credentials for this volume, in the form that the source has them.
    async fn provide(&self, context: &ProvideContext) -> Result<CredentialForm, SourceError>;

    /// Returns whether the credentials for this volume come from the volume's own request: its
    /// pod's tokens or its own Secret.
    ///
    /// An inline volume is written by a tenant. It gets credentials only from sources that return
    /// `true`, never the operator's, the driver's or the node's.
    fn is_from_request(&self, _context: &ProvideContext) -> bool {
        false
    }

    /// Returns whether the source asks a service for the volume's role, which it does not need for
    /// a renewal with [`ProvideContext::pinned_role`].
    ///
    /// Where it returns `false`, a republish asks a source that gave no answer once, and not a
    /// second time with the role.
    fn looks_role_up(&self) -> bool {
        false
    }

    /// Returns a subscription to changes of what the source reads (a watched Secret, a rotated
    /// file). A change makes live volumes be provided again. `None` for a source that reports no
    /// changes between calls.
    fn changes(&self) -> Option<Changes> {
        None
    }

    /// Returns the permissions of the Kubernetes API that the source needs as configured, so that a
    /// missing one is known before a volume needs it. Empty for a source that does not call that
    /// API.
    fn permissions(&self) -> Vec<Permission> {
        Vec::new()
    }
}

/// The reason why a source gave no credentials.
pub type SourceError = AttemptError;

macro_rules! forward_source {
    ($($pointer:ident),*) => { $(
        #[async_trait]
        #[deny(clippy::missing_trait_methods, reason = "a method that is not forwarded is lost")]
        impl<S: CredentialSource + ?Sized> CredentialSource for $pointer<S> {
            fn name(&self) -> &str {
                (**self).name()
            }

            async fn provide(&self, context: &ProvideContext) -> Result<CredentialForm, SourceError> {
                (**self).provide(context).await
            }

            fn is_from_request(&self, context: &ProvideContext) -> bool {
                (**self).is_from_request(context)
            }

            fn looks_role_up(&self) -> bool {
                (**self).looks_role_up()
            }

            fn changes(&self) -> Option<Changes> {
                (**self).changes()
            }

            fn permissions(&self) -> Vec<Permission> {
                (**self).permissions()
            }
        }
    )* };
}
forward_source!(Arc, Box);

/// A source from a closure.
///
/// ```
/// use s3_credential_core::{CredentialForm, Keys, source_fn};
///
/// let source = source_fn("vault", |_context| async {
///     Ok(CredentialForm::Keys(Keys::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG")))
/// });
/// ```
pub fn source_fn<F, Fut>(name: impl Into<String>, provide: F) -> impl CredentialSource
where
    F: Fn(ProvideContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<CredentialForm, SourceError>> + Send + 'static,
{
    SourceFn { name: name.into(), provide }
}

struct SourceFn<F> {
    name: String,
    provide: F,
}

impl<F> fmt::Debug for SourceFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceFn").field("name", &self.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl<F, Fut> CredentialSource for SourceFn<F>
where
    F: Fn(ProvideContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<CredentialForm, SourceError>> + Send + 'static,
{
    fn name(&self) -> &str {
        &self.name
    }

    async fn provide(&self, context: &ProvideContext) -> Result<CredentialForm, SourceError> {
        (self.provide)(context.clone()).await
    }
}
