//! At which level a source may be used.

use s3_credential_core::{AuthenticationLevel, ProvideContext, SourceError};

/// A pod's volume never gets the driver's own keys, whatever a chain says.
pub(crate) fn not_for_pods(context: &ProvideContext) -> Result<(), SourceError> {
    if context.level() == AuthenticationLevel::Pod {
        return Err(SourceError::not_applicable(
            "at pod level no volume gets the driver's own keys",
        ));
    }
    Ok(())
}
