//! Plug-ins that cannot be made.

use std::sync::Arc;

use s3_credential_core::{CredentialSource, Failure, SourceError, source_fn};

/// A source that cannot be made is the trouble of the volumes that need it, and of no others.
pub(super) fn made_or_broken(
    name: &str,
    source: Result<Arc<dyn CredentialSource>, Failure>,
) -> Arc<dyn CredentialSource> {
    source.unwrap_or_else(|failure| {
        Arc::new(source_fn(name, move |_| {
            let failure = failure.clone();
            async move { Err(SourceError::Failed(failure)) }
        }))
    })
}
