//! Sources that cannot be made.

use std::sync::Arc;

use s3_credential_core::{CredentialSource, Failure, SourceError, source_fn};

/// A source that cannot be made fails only the volumes that need it.
pub(crate) fn or_broken(
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
