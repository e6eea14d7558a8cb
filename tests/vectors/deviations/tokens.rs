//! Deviations for tokens: which are read, and which are refused.

use s3_credential_core::{ErrorKind, names};

use super::refuse;
use crate::model;
use crate::outcome::Outcome;
use crate::tokens::{Entry, of};
use crate::view::{DriverSource, View};

/// The time of the cases, in the format of their instants.
const NOW: &str = "2026-01-01T00:00:00Z";

/// The Go driver wants the token for STS always, and for a mount in a pod the agent's, and reads
/// both.
pub(super) fn used_audience(view: &View<'_>, expected: &mut Outcome) {
    let Some(provide) = view.pod_level() else { return };
    let Some([sts, agent]) = of(provide) else { return };
    if view.pod_role().is_some()
        && provide.mount_kind == "pod"
        && agent == Entry::Absent
        && let Some(token) = sts.text()
    {
        *expected = model::of_pod(view, token);
    }
}

pub(super) fn refused(view: &View<'_>, expected: &mut Outcome) {
    if let Some(kind) = in_request(view).or_else(|| in_file(view)) {
        refuse(view, kind, expected);
    }
}

fn in_request(view: &View<'_>) -> Option<ErrorKind> {
    let [sts, agent] = of(view.pod_level()?)?;
    let used = if view.pod_role().is_some() { sts } else { agent };
    let Entry::Token { text, expires_at } = used else { return None };
    // As letters: those in another zone are years away from now.
    let is_past = expires_at.is_some_and(|at| at.as_str() < NOW && at.len() == NOW.len());
    // The one token that is a JWT says that it ends in 1970.
    let claims_past = text.split('.').count() == 3;
    if is_unusable(&text) {
        Some(ErrorKind::MalformedToken)
    } else if is_past || claims_past {
        Some(ErrorKind::ExpiredToken)
    } else {
        None
    }
}

fn in_file(view: &View<'_>) -> Option<ErrorKind> {
    view.driver_level()?;
    let source = *view.driver_sources().first()?;
    let variable = match source {
        DriverSource::Irsa => names::AWS_WEB_IDENTITY_TOKEN_FILE,
        DriverSource::Container => names::AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE,
        DriverSource::Keys | DriverSource::Profile => return None,
    };
    let token = String::from_utf8_lossy(view.file_of(variable)?).into_owned();
    is_unusable(&token).then_some(ErrorKind::MalformedToken)
}

/// Empty, blank, with control characters, or in the place of bytes that are no text.
fn is_unusable(token: &str) -> bool {
    token.trim().is_empty()
        || token.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER)
}
