//! The process's limit of open files: raised at the start of the endpoint, and shared with the rest
//! of the process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::connections::Limits;
use super::settings::EndpointSettings;

/// The soft limit is raised up to this, where the hard limit allows it.
const WANTED: u64 = 65_536;

/// Raises the soft limit of open files towards the hard limit, as the Go runtime does at its start.
/// Returns the soft limit.
fn raise_soft_limit() -> Option<u64> {
    let now = getrlimit(Resource::Nofile);
    let current = now.current?;
    let wanted = now.maximum.map_or(WANTED, |maximum| maximum.min(WANTED));
    if current >= wanted {
        return Some(current);
    }
    let raised = Rlimit { current: Some(wanted), maximum: now.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => Some(wanted),
        Err(error) => {
            tracing::debug!(%error, "cannot raise the limit of open files");
            Some(current)
        }
    }
}

/// The limits of connections that leave half of the process's descriptors to the rest of the
/// process.
pub(super) fn limits(settings: &EndpointSettings) -> Limits {
    let descriptors = raise_soft_limit().and_then(|limit| usize::try_from(limit / 2).ok());
    let total = settings.max_connections.min(descriptors.unwrap_or(usize::MAX)).max(1);
    if total < settings.max_connections {
        tracing::warn!(
            connections = total,
            "the limit of open files leaves room for fewer connections to the credentials endpoint"
        );
    }
    Limits {
        total,
        per_volume: settings.max_connections_per_volume.clamp(1, total),
        unauthenticated: total.div_ceil(2),
    }
}
