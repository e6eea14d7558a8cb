//! The agent's answer.

use jiff::Timestamp;
use s3_credential_core::{Keys, Secret};
use serde::Deserialize;

/// The container-credentials protocol; `AccountId` and what else there may be is left alone. An
/// answer without expiry would be taken for long-term keys, and fails a running Mountpoint.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    access_key_id: Secret,
    secret_access_key: Secret,
    token: Secret,
    expiration: String,
}

/// Returns the keys, or `None` if this is no answer with keys. It gives no reason, which could
/// reveal the content.
pub(crate) fn parse(body: &[u8]) -> Option<Keys> {
    let document: Document = serde_json::from_slice(body).ok()?;
    let expires_at: Timestamp = document.expiration.parse().ok()?;
    let keys = Keys::new(document.access_key_id, document.secret_access_key)
        .with_session_token(document.token)
        .with_expires_at(expires_at);
    keys.check(|_| String::new()).ok()?;
    Some(keys)
}
