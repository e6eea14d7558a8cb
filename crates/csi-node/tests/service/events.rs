//! Events on pods, and the startup taint, against the emulated API of a cluster.

use s3_credential_provider::{Environment, kubernetes_client};
use s3_credential_testkit::kubernetes::{Kubernetes, Rule};
use s3_csi_node::{
    Cluster, EventSink as _, KubernetesEvents, MountId, PodEvent, PodRef, StartupTaint,
};
use s3_csi_proto::csi::v1::NodePublishVolumeRequest;
use serde_json::{Value, json};

use crate::world::{CANARY, World, request};

const ACCOUNT: &str = "system:serviceaccount:kube-system:s3-csi-driver-sa";

/// A cluster whose driver may do this, and the environment of that driver.
async fn cluster(world: &World, rules: &[(&str, &str)]) -> (Kubernetes, Environment) {
    let kubernetes = Kubernetes::start().await.unwrap();
    kubernetes.put_service_account("kube-system", "s3-csi-driver-sa", &[]);
    for (verb, resource) in rules {
        kubernetes.grant(ACCOUNT, Rule::new([*verb], [*resource]));
    }
    kubernetes.put_pod("apps", "web", "4a5d", "reader");
    let token = kubernetes.service_account_token("kube-system", "s3-csi-driver-sa");
    let file = world.path("kubeconfig");
    kubernetes.write_kubeconfig(&file, &token).unwrap();
    let environment = Environment::default().with("KUBECONFIG", file.to_str().unwrap());
    (kubernetes, environment)
}

/// A publish for the pod `web` of `apps`.
fn for_pod(world: &World, volume: &str, bucket: &str) -> NodePublishVolumeRequest {
    let mut call = request(volume, &world.target("4a5d"));
    for (name, value) in [
        ("bucketName", bucket),
        ("csi.storage.k8s.io/pod.namespace", "apps"),
        ("csi.storage.k8s.io/pod.name", "web"),
        ("csi.storage.k8s.io/pod.uid", "4a5d"),
    ] {
        call.volume_context.insert(name.to_owned(), value.to_owned());
    }
    call.secrets.insert("access_key".to_owned(), format!("{CANARY}-secret"));
    call
}

/// The events, once there are so many.
async fn events(kubernetes: &Kubernetes, count: usize) -> Vec<Value> {
    loop {
        let events = kubernetes.objects("events", "apps");
        if events.len() >= count {
            assert_eq!(events.len(), count, "{events:#?}");
            return events;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_volume_without_credentials_has_one_event_for_each_change() {
    let mut world = World::new();
    let (kubernetes, environment) = cluster(&world, &[("create", "events")]).await;
    world.cluster = Some(Cluster::new(&environment, "s3.csi.aws.com", "node-1", None));
    let service = world.start().await;
    let sealed = for_pod(&world, "v", "sealed");
    for _ in 0..3 {
        service.publish(sealed.clone()).await.unwrap_err();
    }
    let found = events(&kubernetes, 1).await;
    let event = &found[0];
    assert_eq!(event["reason"], "NoSourceApplies");
    assert_eq!(event["type"], "Warning");
    assert_eq!(event["involvedObject"]["kind"], "Pod");
    assert_eq!(event["involvedObject"]["name"], "web");
    assert_eq!(event["involvedObject"]["uid"], "4a5d");
    assert_eq!(event["source"], json!({"component": "s3.csi.aws.com", "host": "node-1"}));
    let note = event["message"].as_str().unwrap();
    assert!(note.contains("the vault is sealed"), "{note}");

    // The same volume with credentials is a change, and so is the next failure.
    service.publish(for_pod(&world, "v", "photos")).await.unwrap();
    let found = events(&kubernetes, 2).await;
    assert!(found.iter().any(|event| event["reason"] == "CredentialsProvided"), "{found:#?}");
    service.unpublish("v", &world.target("4a5d")).await.unwrap();
    service.publish(sealed).await.unwrap_err();
    let found = events(&kubernetes, 3).await;
    assert!(!Value::from(found).to_string().contains(CANARY));
}

#[tokio::test]
async fn a_lost_mountpoint_is_one_event() {
    let mut world = World::new();
    let (kubernetes, environment) = cluster(&world, &[("create", "events")]).await;
    world.cluster = Some(Cluster::new(&environment, "s3.csi.aws.com", "node-1", None));
    let service = world.start().await;
    let call = for_pod(&world, "v", "photos");
    service.publish(call.clone()).await.unwrap();
    world.mounter.end(&MountId::new("v", &call.target_path), "panicked at the disco");
    for _ in 0..2 {
        service.publish(call.clone()).await.unwrap_err();
    }
    let found = events(&kubernetes, 1).await;
    assert_eq!(found[0]["reason"], "MountpointLost");
    assert!(found[0]["message"].as_str().unwrap().contains("panicked at the disco"));
}

#[tokio::test]
async fn a_pod_that_the_kubelet_does_not_name_has_no_event() {
    let mut world = World::new();
    let (kubernetes, environment) = cluster(&world, &[("create", "events")]).await;
    world.cluster = Some(Cluster::new(&environment, "s3.csi.aws.com", "node-1", None));
    let service = world.start().await;
    let mut nameless = request("w", &world.target("other"));
    nameless.volume_context.insert("bucketName".to_owned(), "sealed".to_owned());
    service.publish(nameless).await.unwrap_err();
    service.publish(for_pod(&world, "v", "sealed")).await.unwrap_err();
    events(&kubernetes, 1).await;
}

#[tokio::test]
async fn a_service_that_may_not_write_events_works_without() {
    let mut world = World::new();
    let (kubernetes, environment) = cluster(&world, &[]).await;
    world.cluster = Some(Cluster::new(&environment, "s3.csi.aws.com", "node-1", None));
    let service = world.start().await;
    service.publish(for_pod(&world, "w", "sealed")).await.unwrap_err();
    service.publish(for_pod(&world, "v", "photos")).await.unwrap();

    let client = kubernetes_client(&environment).unwrap().unwrap();
    let pod = PodRef { namespace: "apps".into(), name: "web".into(), uid: "4a5d".into() };
    let event =
        PodEvent { pod, is_warning: true, reason: "Unavailable".into(), note: String::new() };
    let sink = KubernetesEvents::new(client, "s3.csi.aws.com", "node-1");
    let failure = sink.send(&event).await.unwrap_err();
    assert_eq!(failure.kind().as_str(), "permission-denied");
    assert!(failure.help().contains("create events"), "{}", failure.help());
    assert!(kubernetes.objects("events", "apps").is_empty());
}

#[tokio::test]
async fn the_startup_taint_is_removed_and_no_other() {
    let world = World::new();
    let (kubernetes, environment) = cluster(&world, &[("get", "nodes"), ("patch", "nodes")]).await;
    let taint = |key: &str| json!({"key": key, "effect": "NoExecute"});
    let taints = [taint("s3.csi.aws.com/agent-not-ready"), taint("dedicated")];
    kubernetes.put(json!({
        "kind": "Node", "metadata": {"name": "node-1"}, "spec": {"taints": taints, "podCIDR": "10.0.0.0/24"},
    }));
    let client = kubernetes_client(&environment).unwrap().unwrap();
    let key = "s3.csi.aws.com/agent-not-ready".to_owned();
    let startup = StartupTaint::new(client, "node-1", key);
    assert!(startup.try_remove().await.unwrap());
    let node = kubernetes.object("nodes", "", "node-1").unwrap();
    assert_eq!(node["spec"], json!({"taints": [taint("dedicated")], "podCIDR": "10.0.0.0/24"}));
    assert!(!startup.try_remove().await.unwrap(), "it is gone already");
}

#[tokio::test]
async fn the_startup_taint_goes_once_the_service_is_ready() {
    let mut world = World::new();
    let (kubernetes, environment) = cluster(&world, &[("get", "nodes"), ("patch", "nodes")]).await;
    let key = "s3.csi.aws.com/agent-not-ready";
    let tainted = json!({"taints": [{"key": key, "effect": "NoExecute"}]});
    kubernetes.put(json!({"kind": "Node", "metadata": {"name": "node-1"}, "spec": tainted}));
    world.cluster =
        Some(Cluster::new(&environment, "s3.csi.aws.com", "node-1", Some(key.to_owned())));
    let _service = world.start().await;
    while kubernetes.object("nodes", "", "node-1").unwrap()["spec"]["taints"] != json!([]) {
        tokio::task::yield_now().await;
    }
}
