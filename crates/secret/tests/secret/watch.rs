//! `secret-watch`, against the Kubernetes emulator: what is provided and what is reported.

use std::future::Future;
use std::time::Duration;

use futures::future::join_all;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use s3_credential_core::{Changes, CredentialSource as _, ErrorKind, ProvideContext, source_names};
use s3_credential_secret::{KeyNames, SecretNamespace, SecretWatchSettings, SecretWatchSource};
use s3_credential_testkit::kubernetes::{Kubernetes, Rule, WatchEnd};

use crate::{assert_pair, assert_reports, at_level, context, failure, keys, request, skipped};

pub(crate) const NAMESPACE: &str = "kube-system";
pub(crate) const NAME: &str = "s3-keys";

/// Every wait for an event ends some day.
pub(crate) async fn soon<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_mins(1), event).await.unwrap()
}

/// Returns whether no change has been reported so far.
pub(crate) async fn is_silent(changes: &mut Changes) -> bool {
    tokio::time::timeout(Duration::ZERO, changes.changed()).await.is_err()
}

pub(crate) fn settings(namespace: SecretNamespace) -> SecretWatchSettings {
    SecretWatchSettings {
        initial_backoff: Duration::from_millis(10),
        max_backoff: Duration::from_millis(50),
        ..SecretWatchSettings::new(namespace, NAME)
    }
}

pub(crate) fn fixed() -> SecretWatchSettings {
    settings(SecretNamespace::Fixed(NAMESPACE.to_owned()))
}

pub(crate) async fn client(kubernetes: &Kubernetes, token: &str) -> Client {
    let kubeconfig = Kubeconfig::from_yaml(&kubernetes.kubeconfig_yaml_for(token)).unwrap();
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
    // What the server answers is what the source sees.
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

/// A driver that is allowed only what the documentation requires.
pub(crate) async fn source_with(
    kubernetes: &Kubernetes,
    settings: SecretWatchSettings,
) -> SecretWatchSource {
    let token = kubernetes.add_user("driver");
    let namespace = match &settings.namespace {
        SecretNamespace::Fixed(namespace) => Some(namespace.clone()),
        SecretNamespace::OfThePod => None,
    };
    let rule = Rule::new(["list", "watch"], ["secrets"]).named(NAME);
    kubernetes.grant(
        "driver",
        match namespace {
            Some(namespace) => rule.in_namespace(namespace),
            None => rule,
        },
    );
    SecretWatchSource::new(client(kubernetes, &token).await, settings).unwrap()
}

/// An emulator with the Secret, and a source that follows it.
pub(crate) async fn cluster() -> (Kubernetes, SecretWatchSource) {
    let kubernetes = Kubernetes::start().await.unwrap();
    put(&kubernetes, "1");
    let source = source_with(&kubernetes, fixed()).await;
    (kubernetes, source)
}

pub(crate) fn put(kubernetes: &Kubernetes, turn: &str) {
    let (id, key) = (format!("id-{turn}"), format!("key-{turn}"));
    kubernetes.put_secret(NAMESPACE, NAME, &[("key_id", &id), ("access_key", &key)]);
}

/// The turn of the Secret that is provided.
pub(crate) async fn turn(source: &SecretWatchSource) -> String {
    let keys = keys(source, &at_level("driver")).await;
    let turn = keys.access_key_id.expose().strip_prefix("id-").unwrap().to_owned();
    assert_pair(&keys, &format!("id-{turn}"), &format!("key-{turn}"));
    turn
}

fn of_pod(level: &str, namespace: &str) -> ProvideContext {
    context(request(level).with_volume_context([
        ("csi.storage.k8s.io/pod.namespace", namespace),
        ("csi.storage.k8s.io/pod.uid", "4a5d"),
        // What a tenant may write has no effect.
        ("secretNamespace", "kube-system"),
        ("secretName", "other"),
    ]))
}

#[tokio::test]
async fn one_list_and_one_watch_serve_all_volumes() {
    let (kubernetes, source) = cluster().await;
    assert_eq!(source.name(), source_names::SECRET_WATCH);
    assert_eq!(kubernetes.calls().total(), 0, "no request is sent before the first call");
    let turns = join_all((0..100).map(|_| turn(&source))).await;
    assert!(turns.iter().all(|turn| turn == "1"));
    soon(kubernetes.called("watch secrets", 1)).await;
    assert_eq!(kubernetes.calls().of("list secrets"), 1);
    assert_eq!(kubernetes.calls().total(), 2, "{:?}", kubernetes.calls());
}

#[tokio::test]
async fn everything_that_a_secret_may_hold_comes_with_the_keys() {
    let (kubernetes, source) = cluster().await;
    let all = [
        ("access_key_id", "id"),
        ("secret_access_key", "key"),
        ("session_token", "token"),
        ("region", "eu-north-1"),
        ("endpoint", "http://minio:9000"),
        ("note", "not \0 text \u{1f980}"),
    ];
    kubernetes.put_secret(NAMESPACE, NAME, &all);
    let found = keys(&source, &at_level("driver")).await;
    assert_pair(&found, "id", "key");
    assert_eq!(found.session_token.unwrap().expose(), "token");
    assert_eq!(found.region.unwrap().as_str(), "eu-north-1");
    assert_eq!(found.endpoint.as_deref(), Some("http://minio:9000"));
}

#[tokio::test]
async fn a_rotated_secret_is_reported_at_once_and_provided() {
    let (kubernetes, source) = cluster().await;
    let mut changes = source.changes().unwrap();
    assert_eq!(turn(&source).await, "1");
    assert!(is_silent(&mut changes).await, "the first answer is no change");
    for rotated in ["2", "3"] {
        put(&kubernetes, rotated);
        soon(changes.changed()).await;
        assert_eq!(turn(&source).await, rotated);
    }
    assert_eq!(kubernetes.calls().of("list secrets"), 1);
}

#[tokio::test]
async fn a_subscription_alone_follows_the_secret() {
    let (kubernetes, source) = cluster().await;
    let mut changes = source.changes().unwrap();
    soon(kubernetes.called("watch secrets", 1)).await;
    put(&kubernetes, "2");
    soon(changes.changed()).await;
    assert_eq!(turn(&source).await, "2");
}

#[tokio::test]
async fn a_deleted_secret_is_not_found_until_it_is_back() {
    let (kubernetes, source) = cluster().await;
    let mut changes = source.changes().unwrap();
    assert_eq!(turn(&source).await, "1");
    kubernetes.delete_secret(NAMESPACE, NAME);
    soon(changes.changed()).await;
    let gone = failure(&source, &at_level("driver")).await;
    assert_reports(&gone, ErrorKind::NotFound, &["kube-system/s3-keys", "kubectl"]);
    put(&kubernetes, "2");
    soon(changes.changed()).await;
    assert_eq!(turn(&source).await, "2");
}

#[tokio::test]
async fn a_secret_that_was_never_there_is_noticed_when_it_comes() {
    let kubernetes = Kubernetes::start().await.unwrap();
    let source = source_with(&kubernetes, fixed()).await;
    let mut changes = source.changes().unwrap();
    let missing = failure(&source, &at_level("driver")).await;
    assert_reports(
        &missing,
        ErrorKind::NotFound,
        &["the Secret kube-system/s3-keys does not exist"],
    );
    put(&kubernetes, "1");
    soon(changes.changed()).await;
    assert_eq!(turn(&source).await, "1");
}

#[tokio::test]
async fn a_watch_that_ends_begins_again_and_reports_only_changes() {
    let (kubernetes, source) = cluster().await;
    let mut changes = source.changes().unwrap();
    assert_eq!(turn(&source).await, "1");
    for (round, end) in [(2, WatchEnd::Close), (3, WatchEnd::Expire), (4, WatchEnd::Close)] {
        kubernetes.end_watches(end);
        soon(kubernetes.called("watch secrets", round)).await;
    }
    // By the fourth watch the lists before it have been read.
    assert!(is_silent(&mut changes).await);
    assert_eq!(turn(&source).await, "1");
    put(&kubernetes, "2");
    soon(changes.changed()).await;
    assert_eq!(turn(&source).await, "2");
}

#[tokio::test]
async fn a_secret_without_keys_is_reported_by_its_name() {
    let (kubernetes, source) = cluster().await;
    kubernetes.put_secret(NAMESPACE, NAME, &[("username", "u")]);
    let none = failure(&source, &at_level("driver")).await;
    assert_reports(
        &none,
        ErrorKind::InvalidSecret,
        &["the Secret kube-system/s3-keys has neither of `key_id`"],
    );

    let mut changes = source.changes().unwrap();
    kubernetes.put_secret(NAMESPACE, NAME, &[("key_id", "id")]);
    soon(changes.changed()).await;
    let half = failure(&source, &at_level("driver")).await;
    assert_reports(
        &half,
        ErrorKind::InvalidSecret,
        &["`access_key` is missing", "the Secret kube-system/s3-keys"],
    );
}

#[tokio::test]
async fn configured_names_and_a_name_of_its_own_are_used() {
    let kubernetes = Kubernetes::start().await.unwrap();
    kubernetes.put_secret(NAMESPACE, NAME, &[("user", "id"), ("password", "key")]);
    let names = KeyNames {
        access_key_id: "user".to_owned(),
        secret_access_key: "password".to_owned(),
        ..KeyNames::default()
    };
    let settings = SecretWatchSettings { key_names: Some(names), ..fixed() };
    let source = source_with(&kubernetes, settings).await.with_name("ceph");
    assert_eq!(source.name(), "ceph");
    assert_pair(&keys(&source, &at_level("driver")).await, "id", "key");
}

#[tokio::test]
async fn pods_never_get_the_drivers_secret() {
    let (kubernetes, source) = cluster().await;
    assert!(skipped(&source, &at_level("pod")).await.contains("pod level"));
    assert_eq!(kubernetes.calls().total(), 0);
}

#[tokio::test]
async fn each_pod_gets_the_secret_of_its_own_namespace_and_no_other() {
    let kubernetes = Kubernetes::start().await.unwrap();
    for namespace in ["team-a", "team-b", "kube-system"] {
        kubernetes.put_secret(namespace, NAME, &[("key_id", namespace), ("access_key", "key")]);
    }
    let source = source_with(&kubernetes, settings(SecretNamespace::OfThePod)).await;
    for level in ["driver", "pod"] {
        for namespace in ["team-a", "team-b"] {
            let found = keys(&source, &of_pod(level, namespace)).await;
            assert_pair(&found, namespace, "key");
        }
    }
    assert_eq!(kubernetes.calls().of("list secrets"), 2, "one for each namespace");

    let mut changes = source.changes().unwrap();
    kubernetes.put_secret("team-b", NAME, &[("key_id", "rotated"), ("access_key", "key")]);
    soon(changes.changed()).await;
    assert_pair(&keys(&source, &of_pod("pod", "team-b")).await, "rotated", "key");
    assert_pair(&keys(&source, &of_pod("pod", "team-a")).await, "team-a", "key");
}

#[tokio::test]
async fn a_namespace_that_is_invalid_or_missing_sends_no_request() {
    let kubernetes = Kubernetes::start().await.unwrap();
    let source = source_with(&kubernetes, settings(SecretNamespace::OfThePod)).await;
    for namespace in ["../kube-system", "kube-system/secrets/x?", "a b", "A", "a\nb"] {
        let refused = failure(&source, &of_pod("driver", namespace)).await;
        assert_reports(&refused, ErrorKind::InvalidRequest, &["namespace"]);
    }
    let unnamed = failure(&source, &at_level("driver")).await;
    assert_reports(&unnamed, ErrorKind::MissingPodInfo, &["podInfoOnMount"]);
    assert_eq!(kubernetes.calls().total(), 0);
}

#[tokio::test]
async fn the_watch_of_a_namespace_that_is_gone_ends_without_callers() {
    let kubernetes = Kubernetes::start().await.unwrap();
    let source = source_with(&kubernetes, settings(SecretNamespace::OfThePod)).await;
    let absent = failure(&source, &of_pod("driver", "team-a")).await;
    assert_eq!(absent.kind(), ErrorKind::NotFound);
    soon(kubernetes.called("watch secrets", 1)).await;
    // It was asked for during the first watch, and not during the second.
    kubernetes.end_watches(WatchEnd::Close);
    soon(kubernetes.called("watch secrets", 2)).await;
    let following = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    kubernetes.end_watches(WatchEnd::Close);
    soon(async {
        while tokio::runtime::Handle::current().metrics().num_alive_tasks() >= following {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(kubernetes.calls().of("list secrets"), 2);

    kubernetes.put_secret("team-a", NAME, &[("key_id", "id"), ("access_key", "key")]);
    assert_pair(&keys(&source, &of_pod("driver", "team-a")).await, "id", "key");
}

#[tokio::test]
async fn settings_that_name_no_secret_are_refused() {
    let kubernetes = Kubernetes::start().await.unwrap();
    for (namespace, name) in
        [("kube-system", "a/b"), ("../x", "keys"), ("", "keys"), ("kube-system", "")]
    {
        let settings = SecretWatchSettings::new(SecretNamespace::Fixed(namespace.to_owned()), name);
        let client = client(&kubernetes, kubernetes.admin_token()).await;
        let refused = SecretWatchSource::new(client, settings).unwrap_err();
        assert_reports(&refused, ErrorKind::Misconfigured, &["configuration"]);
    }
}
