//! Why a lease has its identity, and why its last refresh failed, as its record says.

use jiff::Timestamp;
use s3_credential_core::{Failure, Outcome, ProvideContext};
use serde::{Deserialize, Serialize};

use crate::resolve::Resolved;

/// Why a lease has its identity: what the publish found that decided it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct IdentityReasons {
    /// Whether the volume names its authentication level; otherwise it has the default.
    pub names_level: bool,
    /// Where the role comes from, if its source says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The sources before the one that provided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<PassedOver>,
}

/// A source that did not apply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PassedOver {
    /// The source.
    pub source: String,
    /// Why it did not provide.
    pub reason: String,
}

impl IdentityReasons {
    /// Returns the reasons of what was resolved for this publish.
    pub(crate) fn new(context: &ProvideContext, resolved: &Resolved) -> Self {
        let is_passed_over = |outcome| matches!(outcome, Outcome::NotApplicable | Outcome::Failed);
        let attempts = resolved.attempts.iter().filter(|attempt| is_passed_over(attempt.outcome));
        Self {
            names_level: context.names_level(),
            role: resolved.role_origin.as_deref().map(str::to_owned),
            passed_over: attempts
                .map(|attempt| PassedOver {
                    source: attempt.plugin.clone(),
                    reason: attempt.reason.as_deref().unwrap_or_default().to_owned(),
                })
                .collect(),
        }
    }
}

/// Why the refreshes of a lease fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RefreshFailure {
    /// When a refresh failed for this reason first.
    pub since: Timestamp,
    /// The error kind.
    pub kind: String,
    /// What failed.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl RefreshFailure {
    pub(crate) fn new(failure: &Failure, since: Timestamp) -> Self {
        Self {
            since,
            kind: failure.kind().as_str().to_owned(),
            message: failure.message().to_owned(),
            help: failure.help().to_owned(),
        }
    }

    /// Returns whether both are the same failure, whenever it began.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.kind == other.kind && self.message == other.message
    }
}
