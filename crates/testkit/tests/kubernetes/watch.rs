use std::pin::Pin;

use futures::{Stream, TryStreamExt as _};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::{Api, Error};
use s3_credential_testkit::kubernetes::WatchEnd;
use s3_credential_testkit::server::Fault;

use crate::{apps, cluster, refusal};

type Events = Pin<Box<dyn Stream<Item = Result<WatchEvent<Secret>, Error>> + Send>>;

async fn watch(api: &Api<Secret>, params: &WatchParams, since: &str) -> Events {
    Box::pin(api.watch(params, since).await.unwrap())
}

/// `added keys 3`: type, name and the length of the value.
async fn next(events: &mut Events) -> String {
    let event = |word: &str, secret: Secret| {
        let value =
            secret.data.unwrap_or_default().remove("key_id").map_or(0, |value| value.0.len());
        format!("{word} {} {value}", secret.metadata.name.unwrap())
    };
    match events.try_next().await.unwrap() {
        Some(WatchEvent::Added(secret)) => event("added", secret),
        Some(WatchEvent::Modified(secret)) => event("modified", secret),
        Some(WatchEvent::Deleted(secret)) => event("deleted", secret),
        Some(WatchEvent::Bookmark(bookmark)) => {
            let marks = bookmark.metadata.annotations.len();
            format!("bookmark {} {marks}", bookmark.metadata.resource_version)
        }
        Some(WatchEvent::Error(status)) => format!("error {} {}", status.code, status.reason),
        None => "end".to_owned(),
    }
}

fn plain() -> WatchParams {
    WatchParams::default().disable_bookmarks()
}

#[tokio::test]
async fn a_watch_reports_existing_objects_and_their_changes() {
    let (kubernetes, client) = cluster().await;
    kubernetes.put_secret("apps", "keys", &[("key_id", "1")]);
    let mut events = watch(&apps(&client), &plain(), "0").await;
    assert_eq!(next(&mut events).await, "added keys 1");
    kubernetes.put_secret("apps", "keys", &[("key_id", "22")]);
    assert_eq!(next(&mut events).await, "modified keys 2");
    kubernetes.delete_secret("apps", "keys");
    assert_eq!(next(&mut events).await, "deleted keys 2");
    kubernetes.put_secret("apps", "keys", &[("key_id", "333")]);
    assert_eq!(next(&mut events).await, "added keys 3");
    assert_eq!(kubernetes.calls().of("watch secrets"), 1);
}

#[tokio::test]
async fn a_watch_resumes_after_the_resource_version() {
    let (kubernetes, client) = cluster().await;
    let api = apps::<Secret>(&client);
    kubernetes.put_secret("apps", "keys", &[("key_id", "1")]);
    let list = api.list(&ListParams::default()).await.unwrap();
    kubernetes.put_secret("apps", "keys", &[("key_id", "22")]);
    kubernetes.put_secret("apps", "keys", &[("key_id", "333")]);

    let mut events = watch(&api, &plain(), &list.metadata.resource_version.unwrap()).await;
    assert_eq!(next(&mut events).await, "modified keys 2");
    assert_eq!(next(&mut events).await, "modified keys 3");
}

#[tokio::test]
async fn a_watch_is_of_its_namespace_and_name_only() {
    let (kubernetes, client) = cluster().await;
    let mut events = watch(&apps(&client), &plain().fields("metadata.name=keys"), "0").await;
    kubernetes.put_secret("other", "keys", &[]);
    kubernetes.put_secret("apps", "other", &[]);
    kubernetes.put_service_account("apps", "keys", &[]);
    kubernetes.put_secret("apps", "keys", &[("key_id", "1")]);
    assert_eq!(next(&mut events).await, "added keys 1");
}

#[tokio::test]
async fn an_object_that_leaves_the_selection_is_deleted_for_the_watch() {
    let (kubernetes, client) = cluster().await;
    let mut events = watch(&apps(&client), &plain().labels("live=yes"), "0").await;
    let put = |live: &str| {
        let metadata =
            serde_json::json!({"namespace": "apps", "name": "keys", "labels": {"live": live}});
        kubernetes.put(serde_json::json!({"kind": "Secret", "metadata": metadata}));
    };
    put("yes");
    assert_eq!(next(&mut events).await, "added keys 0");
    put("no");
    assert_eq!(next(&mut events).await, "deleted keys 0");
    put("yes");
    assert_eq!(next(&mut events).await, "added keys 0");
}

#[tokio::test]
async fn bookmarks_carry_the_version_past_what_others_changed() {
    let (kubernetes, client) = cluster().await;
    let api = apps::<Secret>(&client);
    kubernetes.put_secret("apps", "keys", &[("key_id", "1")]);
    let mut events = watch(&api, &WatchParams::default(), "0").await;
    assert_eq!(next(&mut events).await, "added keys 1");
    let foreign = kubernetes.put_node("node-1", &[]);
    let version = foreign["metadata"]["resourceVersion"].as_str().unwrap();
    assert_eq!(next(&mut events).await, format!("bookmark {version} 0"));

    let mut streaming = watch(&api, &WatchParams::default().initial_events(), "0").await;
    assert_eq!(next(&mut streaming).await, "added keys 1");
    assert_eq!(next(&mut streaming).await, format!("bookmark {version} 1"));
}

#[tokio::test]
async fn a_version_that_is_too_old_is_gone() {
    let (kubernetes, client) = cluster().await;
    let api = apps::<Secret>(&client);
    kubernetes.put_secret("apps", "keys", &[("key_id", "1")]);
    let seen = api.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let mut running = watch(&api, &plain(), &seen).await;
    kubernetes.compact();
    let mut events = watch(&api, &plain(), &seen).await;
    assert_eq!(next(&mut events).await, "error 410 Expired");
    assert_eq!(next(&mut events).await, "end");

    let fresh = api.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let mut events = watch(&api, &plain(), &fresh).await;
    kubernetes.put_secret("apps", "keys", &[("key_id", "22")]);
    assert_eq!(next(&mut running).await, "modified keys 2");
    assert_eq!(next(&mut events).await, "modified keys 2");
}

#[tokio::test]
async fn the_history_is_bounded() {
    let (kubernetes, client) = cluster().await;
    for turn in 0..1100 {
        kubernetes.put_secret("apps", "keys", &[("key_id", &turn.to_string())]);
    }
    let mut events = watch(&apps(&client), &plain(), "2").await;
    assert_eq!(next(&mut events).await, "error 410 Expired");
}

#[tokio::test]
async fn a_test_ends_watches_in_both_ways() {
    let (kubernetes, client) = cluster().await;
    let api = apps::<Secret>(&client);
    let mut events = watch(&api, &plain(), "0").await;
    kubernetes.put_secret("apps", "keys", &[("key_id", "1")]);
    kubernetes.end_watches(WatchEnd::Close);
    assert_eq!(next(&mut events).await, "added keys 1");
    assert_eq!(next(&mut events).await, "end");

    let mut events = watch(&api, &plain(), "0").await;
    assert_eq!(next(&mut events).await, "added keys 1");
    kubernetes.end_watches(WatchEnd::Expire);
    assert_eq!(next(&mut events).await, "error 410 Expired");
    assert_eq!(next(&mut events).await, "end");
}

#[tokio::test]
async fn a_watch_ends_at_the_clients_timeout() {
    let (_kubernetes, client) = cluster().await;
    let mut events = watch(&apps(&client), &plain().timeout(1), "0").await;
    assert_eq!(next(&mut events).await, "end");
}

#[tokio::test]
async fn a_watch_may_break_off_and_a_stopped_server_breaks_it() {
    let (kubernetes, client) = cluster().await;
    let api = apps::<Secret>(&client);
    kubernetes.put_secret("apps", "keys", &[("key_id", "1")]);
    kubernetes.put_secret("apps", "more", &[("key_id", "22")]);
    kubernetes.faults().once("watch secrets", Fault::half_answer());
    let mut events = watch(&api, &plain(), "0").await;
    assert_eq!(next(&mut events).await, "added keys 1");
    assert_eq!(next(&mut events).await, "end");

    let mut events = watch(&api, &plain(), "0").await;
    assert_eq!(next(&mut events).await, "added keys 1");
    assert_eq!(next(&mut events).await, "added more 2");
    kubernetes.stop().await;
    assert!(!matches!(events.try_next().await, Ok(Some(_))));

    kubernetes.restart().await.unwrap();
    assert!(api.get("keys").await.is_ok());
}

#[tokio::test]
async fn a_version_from_the_future_is_refused() {
    let (_kubernetes, client) = cluster().await;
    let params = ListParams::default().at("1000000");
    let status = refusal(apps::<Secret>(&client).list(&params).await);
    assert_eq!((status.code, status.reason.as_str()), (504, "Timeout"));
    assert!(status.message.contains("Too large resource version: 1000000"), "{}", status.message);
}
