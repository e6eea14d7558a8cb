//! One thing that was looked at, and how it stands.

use std::fmt;
use std::time::Duration;

use s3_credential_core::Failure;

/// One thing that was looked at. Neither reason nor help holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// The name of the check: `sts`, `rbac get serviceaccounts`, ...
    pub name: String,
    /// The status.
    pub status: CheckStatus,
    /// The finding, or the reason why there was no look.
    pub reason: String,
    /// What to change; `None` if there is no advice.
    pub help: Option<String>,
    /// The duration of the check.
    pub duration: Duration,
}

/// The status of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CheckStatus {
    /// All is well.
    Ok,
    /// Volumes can be mounted, some of them or less well.
    Warning,
    /// Volumes that need it cannot be mounted.
    Failed,
    /// It does not exist here, or is not needed.
    Skipped,
}

impl CheckStatus {
    /// The word in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

impl fmt::Display for CheckStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A check before it has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    status: CheckStatus,
    reason: String,
    help: String,
}

impl Verdict {
    pub(super) fn ok(reason: impl Into<String>) -> Self {
        Self::new(CheckStatus::Ok, reason, "")
    }

    pub(super) fn skipped(reason: impl Into<String>) -> Self {
        Self::new(CheckStatus::Skipped, reason, "")
    }

    pub(super) fn new(
        status: CheckStatus,
        reason: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { status, reason: reason.into(), help: help.into() }
    }

    /// Makes the verdict of a failure.
    pub(super) fn of(status: CheckStatus, failure: &Failure) -> Self {
        Self::new(status, failure.message(), failure.help())
    }

    /// The one that matters most, with what the others of its kind say; none of none.
    pub(super) fn worst(verdicts: Vec<Self>) -> Option<Self> {
        let status = [CheckStatus::Failed, CheckStatus::Warning, CheckStatus::Ok]
            .into_iter()
            .find(|status| verdicts.iter().any(|verdict| verdict.status == *status))?;
        let (mut reasons, mut helps) = (Vec::new(), Vec::new());
        for verdict in verdicts.into_iter().filter(|verdict| verdict.status == status) {
            reasons.push(verdict.reason);
            if !verdict.help.is_empty() && !helps.contains(&verdict.help) {
                helps.push(verdict.help);
            }
        }
        Some(Self::new(status, reasons.join("; "), helps.join("; ")))
    }

    pub(super) fn check(self, name: impl Into<String>, duration: Duration) -> Check {
        let Self { status, reason, help } = self;
        Check {
            name: name.into(),
            status,
            reason,
            help: (!help.is_empty()).then_some(help),
            duration,
        }
    }
}
