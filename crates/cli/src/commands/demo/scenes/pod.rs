//! Volumes with the credentials of the pod that they are for.

use s3_credential_core::{AuthenticationLevel, TOKENS_KEY, names, resolver_names, source_names};
use s3_credential_provider::PublishRequest;
use s3_credential_testkit::ids;

use super::{Expected, Renewal, Scene, publish, session_of};
use crate::commands::demo::world::{
    Account, Age, PHOTOS, PHOTOS_ROLE, REPORTS, REPORTS_ROLE, WITHOUT_ROLE, World,
};

pub(super) fn web_identity(world: &World) -> Scene {
    let uid = ids::uuid();
    // The kubelet sends the tokens with the volume's attributes,
    let request = |age| {
        pod_publish("pod-web-identity", &uid, PHOTOS)
            .with_volume_context([("stsRegion", "eu-west-1")])
            .with_volume_context([(TOKENS_KEY, world.pod_tokens(PHOTOS, age))])
    };
    Scene {
        volume: "pod-web-identity",
        title: "pod level: the role in the annotation of the pod's ServiceAccount",
        environment: world.environment(),
        request: request(Age::Older),
        renewal: Renewal::Request(request(Age::Newer)),
        expected: Expected {
            level: AuthenticationLevel::Pod,
            source: source_names::POD_TOKEN,
            resolver: resolver_names::VOLUME_CONTEXT,
            caller: session_of(PHOTOS_ROLE),
        },
    }
}

pub(super) fn pod_identity(world: &World) -> Scene {
    let uid = ids::uuid();
    // or with the secrets, where the CSIDriver object has `serviceAccountTokenInSecrets`
    // (KEP-5538).
    let request = |age| {
        pod_publish("pod-pod-identity", &uid, REPORTS)
            .with_secrets([(TOKENS_KEY, world.pod_tokens(REPORTS, age))])
    };
    Scene {
        volume: "pod-pod-identity",
        title: "pod level: EKS Pod Identity, since the ServiceAccount has no annotation",
        environment: world
            .environment()
            .with(names::EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI, world.agent_url())
            .with(names::AWS_DEFAULT_REGION, "eu-south-2"),
        request: request(Age::Older),
        renewal: Renewal::Request(request(Age::Newer)),
        expected: Expected {
            level: AuthenticationLevel::Pod,
            source: source_names::POD_IDENTITY,
            resolver: resolver_names::ENVIRONMENT,
            caller: session_of(REPORTS_ROLE),
        },
    }
}

/// The failing scene: a pod-level volume whose ServiceAccount has no role. The node has one, and
/// the volume must not get it.
pub(crate) const FAILING_VOLUME: &str = "pod-without-role";
pub(crate) const FAILING_TITLE: &str = "pod level: the ServiceAccount has no role";

/// Its publish.
pub(crate) fn failing(world: &World) -> PublishRequest {
    pod_publish(FAILING_VOLUME, &ids::uuid(), WITHOUT_ROLE)
        .with_volume_context([(TOKENS_KEY, world.pod_tokens(WITHOUT_ROLE, Age::Newer))])
}

/// The same at pod level, where the CSIDriver object has `podInfoOnMount`.
fn pod_publish(volume: &str, uid: &str, (namespace, name): Account) -> PublishRequest {
    publish(volume, uid).with_volume_context([
        ("authenticationSource", "pod"),
        ("csi.storage.k8s.io/pod.uid", uid),
        ("csi.storage.k8s.io/pod.name", name),
        ("csi.storage.k8s.io/pod.namespace", namespace),
        ("csi.storage.k8s.io/serviceAccount.name", name),
    ])
}
