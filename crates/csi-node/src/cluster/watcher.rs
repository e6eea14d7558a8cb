//! Watches credentials and processes between the calls of the kubelet.

use std::time::Duration;

use s3_credential_provider::{Event, LeaseId};
use tokio::sync::broadcast::error::RecvError;

use super::{PodRef, VolumeKey};
use crate::node::Node;

/// How often the processes are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Reports changes until the provider is gone.
pub(crate) async fn watch(node: Node) {
    let mut changes = node.credentials().provider().events();
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            event = changes.recv() => match event {
                Ok(event) => report(&node, &event),
                // What was missed happens again, or shows in the next refresh.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
            _ = ticks.tick() => node.report_lost_mounts().await,
        }
    }
}

fn report(node: &Node, event: &Event) {
    let Some(events) = node.events() else { return };
    match event {
        Event::RefreshFailed { lease, failure, expires_at, .. } => {
            for (key, pod) in pods(node, lease) {
                let until = match expires_at {
                    Some(at) => format!("expire at {at}"),
                    None => "stay".to_owned(),
                };
                let note = format!(
                    "the credentials of volume `{}` {until}, and cannot be refreshed: {failure}; {}",
                    key.0,
                    failure.help()
                );
                events.fails(&key, &pod, failure.kind(), &note);
            }
        }
        Event::Refreshed { lease, .. } => {
            for (key, pod) in pods(node, lease) {
                events.works(&key, &pod);
            }
        }
        Event::IdentityChanged { lease } => {
            for (key, pod) in pods(node, lease) {
                events.identity_changed(&key, &pod);
            }
        }
        _ => {}
    }
}

/// The volumes of a lease, each with its pod.
fn pods(node: &Node, lease: &LeaseId) -> Vec<(VolumeKey, PodRef)> {
    let leases = node.credentials().provider().leases();
    let pod = leases.iter().find(|status| {
        status.lease.volume_id == lease.volume_id
            && status.lease.holders.iter().any(|holder| lease.holders.contains(holder))
    });
    let Some(pod) = pod.and_then(|status| PodRef::of(&status.pod)) else { return Vec::new() };
    let holders = lease.holders.iter().cloned();
    holders.map(|holder| ((lease.volume_id.clone(), holder), pod.clone())).collect()
}
