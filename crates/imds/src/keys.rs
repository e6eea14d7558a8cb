//! The document with the keys of a role.

use jiff::Timestamp;
use s3_credential_core::{ErrorKind, Failure, Keys, Secret};
use serde::Deserialize;

use crate::trouble::{Trouble, Wanted};

/// `/latest/meta-data/iam/security-credentials/ROLE` (EC2 User Guide, "Retrieve security
/// credentials from instance metadata"). Unknown fields are left alone.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    code: Option<String>,
    access_key_id: Option<Secret>,
    secret_access_key: Option<Secret>,
    token: Option<Secret>,
    expiration: Option<String>,
}

/// The keys, with their expiry. What the document says instead of keys is named, what it holds is
/// not.
pub(crate) fn parse(text: &str, endpoint: &str) -> Result<Keys, Failure> {
    let malformed = || Trouble::malformed(Wanted::Keys.as_str()).into_failure(endpoint);
    let document: Document = serde_json::from_str(text).map_err(|_| malformed())?;
    match document.code.as_deref() {
        None | Some("Success") => {}
        Some("AssumeRoleUnauthorizedAccess") => {
            return Err(Failure::new(
                ErrorKind::PermissionDenied,
                format!("IMDS at {endpoint} may not assume the instance's role (AssumeRoleUnauthorizedAccess)"),
            )
            .with_help("let ec2.amazonaws.com assume the role, in the role's trust policy"));
        }
        Some(_) => {
            return Err(Failure::new(
                ErrorKind::Unavailable,
                format!("IMDS at {endpoint} has no keys for the instance's role at this time"),
            )
            .with_help(
                "try again; if it stays so, check the role of the node's instance profile",
            ));
        }
    }
    let keys = document.into_keys().ok_or_else(malformed)?;
    keys.check(|_| String::new()).map_err(|_| malformed())?;
    Ok(keys)
}

impl Document {
    fn into_keys(self) -> Option<Keys> {
        let expires_at: Timestamp = self.expiration?.parse().ok()?;
        Some(
            Keys::new(self.access_key_id?, self.secret_access_key?)
                .with_session_token(self.token?)
                .with_expires_at(expires_at),
        )
    }
}
