use k8s_openapi::api::core::v1::{Node, Pod, Secret, ServiceAccount};
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use s3_credential_testkit::kubernetes::Kubernetes;
use serde_json::json;

use crate::{apps, client, cluster, refusal};

#[tokio::test]
async fn what_the_test_puts_is_what_the_client_gets() {
    let (kubernetes, client) = cluster().await;
    let role = "arn:aws:iam::111122223333:role/web";
    kubernetes.put_service_account("apps", "web", &[("eks.amazonaws.com/role-arn", role)]);
    kubernetes.put_secret("apps", "keys", &[("key_id", "AKIA"), ("access_key", "s3cr3t")]);
    kubernetes.put_node("node-1", &[("topology.kubernetes.io/region", "eu-west-1")]);
    kubernetes.put_pod("apps", "web-0", "0b9e7c2e-1111-4222-8333-444455556666", "web");

    let account = apps::<ServiceAccount>(&client).get("web").await.unwrap();
    assert_eq!(account.metadata.annotations.unwrap()["eks.amazonaws.com/role-arn"], role);

    let secret = apps::<Secret>(&client).get("keys").await.unwrap();
    assert_eq!(secret.type_.unwrap(), "Opaque");
    assert_eq!(secret.data.unwrap()["access_key"].0, b"s3cr3t");

    let node = Api::<Node>::all(client.clone()).get("node-1").await.unwrap();
    assert_eq!(node.metadata.labels.unwrap()["topology.kubernetes.io/region"], "eu-west-1");

    let pod = apps::<Pod>(&client).get("web-0").await.unwrap();
    assert_eq!(pod.metadata.uid.unwrap(), "0b9e7c2e-1111-4222-8333-444455556666");
    assert_eq!(pod.spec.unwrap().service_account_name.unwrap(), "web");
}

#[tokio::test]
async fn a_plain_http_server_takes_the_same_client() {
    let kubernetes = Kubernetes::builder().plain_http().start().await.unwrap();
    assert!(kubernetes.url().starts_with("http://127.0.0.1:"));
    kubernetes.put_service_account("apps", "web", &[]);
    let client = client(&kubernetes, kubernetes.admin_token()).await;
    assert!(apps::<ServiceAccount>(&client).get("web").await.is_ok());
}

#[tokio::test]
async fn a_missing_object_is_not_found_by_name() {
    let (_kubernetes, client) = cluster().await;
    let status = refusal(apps::<ServiceAccount>(&client).get("web").await);
    assert_eq!((status.code, status.reason.as_str()), (404, "NotFound"));
    assert_eq!(status.message, r#"serviceaccounts "web" not found"#);
    let details = status.details.unwrap();
    assert_eq!((details.name.as_str(), details.kind.as_str()), ("web", "serviceaccounts"));
}

#[tokio::test]
async fn a_list_is_of_one_namespace_and_obeys_the_selectors() {
    let (kubernetes, client) = cluster().await;
    for (namespace, name, tier) in
        [("apps", "a", "front"), ("apps", "b", "back"), ("other", "a", "front")]
    {
        let metadata =
            json!({"namespace": namespace, "name": name, "labels": {"example.test/tier": tier}});
        kubernetes.put(json!({"kind": "ServiceAccount", "metadata": metadata}));
    }
    let api = apps::<ServiceAccount>(&client);
    let names = async |params: ListParams| {
        let list = api.list(&params).await.unwrap();
        let names = list.items.into_iter().map(|item| item.metadata.name.unwrap());
        names.collect::<Vec<_>>()
    };
    let by_label = |selector: &str| ListParams::default().labels(selector);
    assert_eq!(names(ListParams::default()).await, ["a", "b"]);
    assert_eq!(names(by_label("example.test/tier=back")).await, ["b"]);
    assert_eq!(names(by_label("example.test/tier!=back")).await, ["a"]);
    assert_eq!(names(by_label("example.test/tier,!gone")).await, ["a", "b"]);
    assert!(names(by_label("gone")).await.is_empty());
    assert_eq!(names(ListParams::default().fields("metadata.name=b")).await, ["b"]);

    let everywhere =
        Api::<ServiceAccount>::all(client.clone()).list(&ListParams::default()).await.unwrap();
    assert_eq!(everywhere.items.len(), 3);

    for params in [ListParams::default().fields("spec.unknown=1"), by_label("tier in (front)")] {
        assert_eq!(refusal(api.list(&params).await).code, 400);
    }
}

#[tokio::test]
async fn resource_versions_grow_and_uids_stay() {
    let (kubernetes, client) = cluster().await;
    let api = apps::<Secret>(&client);
    let mut last = 0;
    let mut uids = Vec::new();
    for value in ["1", "2", "3"] {
        kubernetes.put_secret("apps", "keys", &[("key_id", value)]);
        let metadata = api.get("keys").await.unwrap().metadata;
        let version: u64 = metadata.resource_version.unwrap().parse().unwrap();
        assert!(version > last);
        last = version;
        uids.push(metadata.uid.unwrap());
    }
    uids.dedup();
    assert_eq!(uids.len(), 1);

    kubernetes.put_secret("apps", "keys", &[("key_id", "3")]);
    let unchanged = api.get("keys").await.unwrap().metadata.resource_version.unwrap();
    assert_eq!(unchanged, last.to_string());

    assert!(kubernetes.delete_secret("apps", "keys"));
    assert!(!kubernetes.delete_secret("apps", "keys"));
    kubernetes.put_secret("apps", "keys", &[("key_id", "3")]);
    assert_ne!(api.get("keys").await.unwrap().metadata.uid.unwrap(), uids[0]);
}

#[tokio::test]
async fn clients_create_patch_replace_and_delete() {
    let (kubernetes, client) = cluster().await;
    kubernetes.put_namespace("apps");
    let api = apps::<ServiceAccount>(&client);
    let account: ServiceAccount =
        serde_json::from_value(json!({"metadata": {"name": "web"}})).unwrap();

    let created = api.create(&PostParams::default(), &account).await.unwrap();
    let again = refusal(api.create(&PostParams::default(), &account).await);
    assert_eq!((again.code, again.reason.as_str()), (409, "AlreadyExists"));

    let patch = json!({"metadata": {"annotations": {"eks.amazonaws.com/audience": "example"}}});
    let patched = api.patch("web", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    assert_eq!(patched.metadata.annotations.unwrap()["eks.amazonaws.com/audience"], "example");

    let stale = refusal(api.replace("web", &PostParams::default(), &created).await);
    assert_eq!((stale.code, stale.reason.as_str()), (409, "Conflict"));
    api.replace("web", &PostParams::default(), &account).await.unwrap();
    let object = kubernetes.object("serviceaccounts", "apps", "web").unwrap();
    assert!(object["metadata"]["annotations"].is_null());

    api.delete("web", &DeleteParams::default()).await.unwrap();
    assert_eq!(kubernetes.object("serviceaccounts", "apps", "web"), None);
}

#[tokio::test]
async fn an_object_needs_its_namespace_and_valid_data() {
    let (kubernetes, client) = cluster().await;
    let keys: Secret = serde_json::from_value(json!({"metadata": {"name": "keys"}})).unwrap();
    let status = refusal(apps::<Secret>(&client).create(&PostParams::default(), &keys).await);
    assert_eq!(status.message, r#"namespaces "apps" not found"#);

    kubernetes.put_namespace("apps");
    let patch = json!({"data": {"key_id": "not base64!"}});
    let api = apps::<Secret>(&client);
    api.create(&PostParams::default(), &keys).await.unwrap();
    let status = refusal(api.patch("keys", &PatchParams::default(), &Patch::Merge(&patch)).await);
    assert_eq!(status.code, 400);
    assert!(!status.message.contains("not base64!"), "{}", status.message);
}

#[tokio::test]
async fn calls_are_counted_by_verb_and_resource() {
    let (kubernetes, client) = cluster().await;
    kubernetes.put_service_account("apps", "web", &[]);
    let api = apps::<ServiceAccount>(&client);
    for _ in 0..2 {
        api.get("web").await.unwrap();
    }
    api.list(&ListParams::default()).await.unwrap();
    client.apiserver_version().await.unwrap();

    let calls = kubernetes.calls();
    assert_eq!(calls.of("get serviceaccounts"), 2);
    assert_eq!(calls.of("list serviceaccounts"), 1);
    assert_eq!(calls.of("get /version"), 1);
    assert_eq!(calls.total(), 4);
}
