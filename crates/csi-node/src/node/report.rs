//! Reports to the cluster: which volume cannot get credentials, and which has lost its process.

use s3_credential_provider::PublishRequest;

use super::{Node, Parts};
use crate::call::PublishCall;
use crate::cluster::{Cluster, Events, PodRef, VolumeKey};
use crate::error::CallError;
use crate::mount_id::MountId;
use crate::volume::Phase;

/// The volume and the pod of a publish, as far as the kubelet named it.
#[derive(Debug)]
pub(super) struct Subject {
    key: VolumeKey,
    pod: Option<PodRef>,
}

impl Subject {
    pub(super) fn of(call: &PublishCall) -> Self {
        Self { key: (call.volume_id.clone(), call.target_path.clone()), pod: pod_of(&call.request) }
    }
}

fn pod_of(request: &PublishRequest) -> Option<PodRef> {
    let value = |name: &str| {
        let value = request.volume_context.get(&format!("csi.storage.k8s.io/pod.{name}"))?;
        Some(value.expose().to_owned()).filter(|text| !text.is_empty())
    };
    let (namespace, name) = (value("namespace")?, value("name")?);
    Some(PodRef { namespace, name, uid: value("uid").unwrap_or_default() })
}

impl Node {
    /// Reports to this cluster from now on. Call it within a tokio runtime, once, before the
    /// service is served.
    pub fn report_to(&self, cluster: Cluster) {
        let events = cluster.events.clone().map(Events::new);
        // A second cluster is one too many: the first stays.
        drop(self.0.cluster.set((cluster, events)));
    }

    /// Returns the cluster, if there is one.
    pub(crate) fn cluster(&self) -> Option<&Cluster> {
        self.0.cluster.get().map(|(cluster, _)| cluster)
    }

    /// Returns where events go, if they go anywhere.
    pub(crate) fn events(&self) -> Option<&Events> {
        self.0.events()
    }

    /// Reports each published volume whose process has ended, once.
    pub(crate) async fn report_lost_mounts(&self) {
        let Some(events) = self.events() else { return };
        // A mounter that does not answer is seen by the readiness probe.
        for (record, note) in self.lost_mounts().await.unwrap_or_default() {
            let leases = self.credentials().provider().leases();
            let lease = leases.iter().find(|status| {
                status.lease.volume_id == record.volume_id
                    && status.lease.holders.contains(&record.target_path)
            });
            if let Some(pod) = lease.and_then(|status| PodRef::of(&status.pod)) {
                events.lost(&(record.volume_id, record.target_path), &pod, &note);
            }
        }
    }

    /// Reports how a publish ended.
    pub(super) async fn report_publish(&self, subject: &Subject, result: &Result<(), CallError>) {
        let (Some(events), Some(pod)) = (self.events(), &subject.pod) else { return };
        match result {
            Ok(()) => events.works(&subject.key, pod),
            Err(CallError { kind: Some(kind), message, .. }) => {
                events.fails(&subject.key, pod, *kind, message);
            }
            Err(_) if self.0.is_published(&subject.key) => self.report_lost_mounts().await,
            // The kubelet shows what Mountpoint printed.
            Err(_) => {}
        }
    }
}

impl Parts {
    pub(super) fn events(&self) -> Option<&Events> {
        self.cluster.get()?.1.as_ref()
    }

    fn is_published(&self, (volume_id, target_path): &VolumeKey) -> bool {
        let record = self.volumes.get(&MountId::new(volume_id, target_path));
        record.is_some_and(|record| record.phase == Phase::Published)
    }
}
