//! Events as objects of the Kubernetes API.

use async_trait::async_trait;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::api::PostParams;
use kube::{Api, Client};
use s3_credential_provider::{Clock as _, ErrorKind, Failure, SystemClock};

use super::changes::{EventSink, PodEvent};

/// How much of a pod's name is in that of its event; a name has at most 253 bytes.
const MAX_NAME_LEN: usize = 200;

/// The API of a cluster.
#[derive(Clone)]
pub struct KubernetesEvents {
    client: Client,
    driver_name: String,
    node: String,
}

impl KubernetesEvents {
    /// Returns the events of a driver on a node.
    pub fn new(client: Client, driver_name: &str, node: &str) -> Self {
        Self { client, driver_name: driver_name.to_owned(), node: node.to_owned() }
    }

    fn object(&self, event: &PodEvent) -> Event {
        let now = SystemClock.now();
        let pod = &event.pod;
        let prefix: String = pod.name.chars().take(MAX_NAME_LEN).collect();
        let time = Some(Time(now));
        Event {
            metadata: ObjectMeta {
                // Unique as the kubelet's are: by the instant.
                name: Some(format!("{prefix}.{:x}", now.as_nanosecond())),
                namespace: Some(pod.namespace.clone()),
                ..ObjectMeta::default()
            },
            involved_object: ObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("Pod".to_owned()),
                namespace: Some(pod.namespace.clone()),
                name: Some(pod.name.clone()),
                uid: Some(pod.uid.clone()).filter(|uid| !uid.is_empty()),
                ..ObjectReference::default()
            },
            type_: Some(if event.is_warning { "Warning" } else { "Normal" }.to_owned()),
            reason: Some(event.reason.clone()),
            message: Some(event.note.clone()),
            first_timestamp: time.clone(),
            last_timestamp: time,
            count: Some(1),
            source: Some(EventSource {
                component: Some(self.driver_name.clone()),
                host: Some(self.node.clone()),
            }),
            reporting_component: Some(self.driver_name.clone()),
            reporting_instance: Some(self.node.clone()),
            ..Event::default()
        }
    }
}

#[async_trait]
impl EventSink for KubernetesEvents {
    async fn send(&self, event: &PodEvent) -> Result<(), Failure> {
        let events: Api<Event> = Api::namespaced(self.client.clone(), &event.pod.namespace);
        let created = events.create(&PostParams::default(), &self.object(event)).await;
        created
            .map(drop)
            .map_err(|error| refused("cannot create an event", &error, "create events"))
    }
}

/// The failure of a call of the API. The texts of the client are left out: they may quote an
/// answer.
pub(super) fn refused(message: &str, error: &kube::Error, permission: &str) -> Failure {
    match error {
        kube::Error::Api(status) if status.code == 403 => Failure::new(
            ErrorKind::PermissionDenied,
            format!("{message}: the Kubernetes API refuses `{permission}`"),
        )
        .with_help(format!("allow the driver's service account to `{permission}`")),
        kube::Error::Api(status) => Failure::new(
            ErrorKind::Unavailable,
            format!("{message}: the Kubernetes API answers {}", status.code),
        ),
        _ => Failure::new(
            ErrorKind::Unavailable,
            format!("{message}: the Kubernetes API does not answer"),
        ),
    }
}

impl std::fmt::Debug for KubernetesEvents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KubernetesEvents").field("node", &self.node).finish_non_exhaustive()
    }
}
