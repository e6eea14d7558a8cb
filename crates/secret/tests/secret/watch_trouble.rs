//! `secret-watch` when the API server refuses, is away, hangs or talks nonsense; and that none of
//! it shows a secret.

use std::sync::LazyLock;
use std::time::Duration;

use s3_credential_core::{CredentialSource as _, ErrorKind};
use s3_credential_secret::{SecretWatchSettings, SecretWatchSource};
use s3_credential_testkit::kubernetes::{Failure, Kubernetes, Rule, WatchEnd};
use s3_credential_testkit::log::LogBuffer;
use s3_credential_testkit::server::{Fault, Response};

use crate::watch::{
    NAME, NAMESPACE, client, cluster, fixed, is_silent, put, soon, source_with, turn,
};
use crate::{assert_reports, at_level, failure};

const RULE: &str = r#"{"apiGroups":[""],"resources":["secrets"],"resourceNames":["s3-keys"],"verbs":["list","watch"]}"#;

#[tokio::test]
async fn a_missing_rule_is_reported_in_full_and_counts_when_it_is_there() {
    for allowed in [&[][..], &["list"], &["watch"], &["get"]] {
        let kubernetes = Kubernetes::start().await.unwrap();
        put(&kubernetes, "1");
        let token = kubernetes.add_user("driver");
        let rule =
            Rule::new(allowed.iter().copied(), ["secrets"]).in_namespace(NAMESPACE).named(NAME);
        kubernetes.grant("driver", rule);
        let source = SecretWatchSource::new(client(&kubernetes, &token).await, fixed()).unwrap();
        let mut changes = source.changes().unwrap();
        let refused = failure(&source, &at_level("driver")).await;
        assert_reports(
            &refused,
            ErrorKind::PermissionDenied,
            &[RULE, "Role in the namespace kube-system", NAME],
        );

        // Who may only list is refused again and again, and not by turns.
        let calls = kubernetes.calls().of("list secrets");
        soon(kubernetes.called("list secrets", calls + 2)).await;
        assert!(is_silent(&mut changes).await);

        let missing = ["list", "watch"].into_iter().filter(|verb| !allowed.contains(verb));
        kubernetes
            .grant("driver", Rule::new(missing, ["secrets"]).in_namespace(NAMESPACE).named(NAME));
        soon(changes.changed()).await;
        assert_eq!(turn(&source).await, "1");
    }
}

#[tokio::test]
async fn a_rule_that_is_taken_back_is_reported() {
    let (kubernetes, source) = cluster().await;
    let mut changes = source.changes().unwrap();
    assert_eq!(turn(&source).await, "1");
    kubernetes.revoke("driver");
    kubernetes.end_watches(WatchEnd::Close);
    soon(changes.changed()).await;
    let refused = failure(&source, &at_level("driver")).await;
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    assert!(!refused.is_retryable());
}

#[tokio::test]
async fn the_last_known_keys_are_given_while_the_api_server_is_away() {
    let (kubernetes, source) = cluster().await;
    let mut changes = source.changes().unwrap();
    assert_eq!(turn(&source).await, "1");
    soon(kubernetes.called("watch secrets", 1)).await;
    kubernetes.stop().await;
    assert_eq!(turn(&source).await, "1");

    put(&kubernetes, "2");
    kubernetes.restart().await.unwrap();
    soon(changes.changed()).await;
    assert_eq!(turn(&source).await, "2");

    for fault in [
        Failure::InternalError,
        Failure::ServiceUnavailable,
        Failure::TooManyRequests,
        Failure::Expired,
    ] {
        let watches = kubernetes.calls().of("watch secrets");
        kubernetes.faults().times("list secrets", 2, fault);
        kubernetes.end_watches(WatchEnd::Expire);
        soon(kubernetes.called("watch secrets", watches + 1)).await;
        assert_eq!(turn(&source).await, "2", "{fault:?}");
    }
    assert!(is_silent(&mut changes).await);
}

#[tokio::test]
async fn a_known_absence_holds_too_while_the_api_server_is_away() {
    let kubernetes = Kubernetes::start().await.unwrap();
    let source = source_with(&kubernetes, fixed()).await;
    assert_eq!(failure(&source, &at_level("driver")).await.kind(), ErrorKind::NotFound);
    let lists = kubernetes.calls().of("list secrets");
    kubernetes.faults().times("list secrets", 1, Failure::ServiceUnavailable);
    kubernetes.end_watches(WatchEnd::Close);
    soon(kubernetes.called("list secrets", lists + 2)).await;
    assert_eq!(failure(&source, &at_level("driver")).await.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn an_api_server_that_is_away_from_the_start_is_unavailable_until_it_is_back() {
    let (kubernetes, source) = cluster().await;
    kubernetes.stop().await;
    let mut changes = source.changes().unwrap();
    let away = failure(&source, &at_level("driver")).await;
    assert_reports(
        &away,
        ErrorKind::Unavailable,
        &["the Secret kube-system/s3-keys", "KUBERNETES_SERVICE_HOST"],
    );
    assert!(away.is_retryable());
    kubernetes.restart().await.unwrap();
    soon(changes.changed()).await;
    assert_eq!(turn(&source).await, "1");
}

#[tokio::test]
async fn each_refusal_has_its_kind() {
    for (fault, kind) in [
        (Fault::from(Failure::Unauthorized), ErrorKind::Rejected),
        (Failure::TooManyRequests.into(), ErrorKind::Throttled),
        (Failure::InternalError.into(), ErrorKind::Unavailable),
        (Failure::ServiceUnavailable.into(), ErrorKind::Unavailable),
        (Fault::reset(), ErrorKind::Unavailable),
        (Fault::garbage(), ErrorKind::Unavailable),
        (Fault::half_answer(), ErrorKind::Unavailable),
    ] {
        let (kubernetes, source) = cluster().await;
        kubernetes.faults().always("list secrets", fault);
        assert_eq!(failure(&source, &at_level("driver")).await.kind(), kind);
    }
}

#[tokio::test]
async fn an_api_server_that_hangs_is_given_up_in_time_and_asked_again() {
    let kubernetes = Kubernetes::start().await.unwrap();
    put(&kubernetes, "1");
    let settings = SecretWatchSettings { operation_timeout: Duration::from_millis(200), ..fixed() };
    let source = source_with(&kubernetes, settings).await;
    let mut changes = source.changes().unwrap();
    kubernetes.faults().once("list secrets", Fault::hang());
    let hangs = soon(failure(&source, &at_level("driver"))).await;
    assert_reports(&hangs, ErrorKind::Unavailable, &["no answer in time"]);
    soon(changes.changed()).await;
    assert_eq!(turn(&source).await, "1");
}

#[tokio::test]
async fn a_watch_that_fails_leaves_what_the_list_has_shown() {
    let (kubernetes, source) = cluster().await;
    kubernetes.faults().times("watch secrets", 2, Failure::ServiceUnavailable);
    assert_eq!(turn(&source).await, "1");
    soon(kubernetes.called("watch secrets", 3)).await;
    put(&kubernetes, "2");
    let mut changes = source.changes().unwrap();
    if turn(&source).await == "1" {
        soon(changes.changed()).await;
    }
    assert_eq!(turn(&source).await, "2");
}

#[tokio::test]
async fn the_watch_ends_with_its_source() {
    let (kubernetes, source) = cluster().await;
    assert_eq!(turn(&source).await, "1");
    soon(kubernetes.called("watch secrets", 1)).await;
    let following = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    drop(source);
    soon(async {
        while tokio::runtime::Handle::current().metrics().num_alive_tasks() >= following {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// All that this process logs, whatever its level. For all threads: tracing remembers for a place
/// in the code whether anybody listens, and would ask the thread that comes there first.
static LOG: LazyLock<LogBuffer> = LazyLock::new(|| {
    let log = LogBuffer::default();
    tracing::subscriber::set_global_default(log.subscriber()).unwrap();
    log
});

#[tokio::test]
async fn no_secret_is_shown_whatever_the_api_server_answers() {
    // In plain, and as the API has it.
    const CANARIES: [&str; 2] = ["CaNaRyCaNaRyCaNaRy", "Q2FOYVJ5Q2FOYVJ5Q2FOYVJ5"];
    LazyLock::force(&LOG);
    let kubernetes = Kubernetes::start().await.unwrap();
    let secret =
        [("key_id", CANARIES[0]), ("access_key", CANARIES[0]), ("session_token", CANARIES[0])];
    kubernetes.put_secret(NAMESPACE, NAME, &secret);
    let source = source_with(&kubernetes, fixed()).await;
    let mut shown = Vec::new();
    let base64 = CANARIES[1];
    for body in [
        format!(
            r#"{{"metadata":{{"resourceVersion":"1"}},"items":[{{"metadata":{{"name":"s3-keys"}},"data":{{"key_id":"{base64}!"}}}}]}}"#
        ),
        format!(
            r#"{{"metadata":{{"resourceVersion":"1"}},"items":[{{"metadata":{{"name":"s3-keys"}},"data":"{base64}"}}]}}"#
        ),
        format!(
            r#"{{"metadata":{{"resourceVersion":"1"}},"items":[{{"metadata":{{"name":"s3-keys"}},"data":{{"key_id":"{base64}"#
        ),
        format!(r#"{{"kind":"Status","code":"{base64}"}}"#),
    ] {
        let lists = kubernetes.calls().of("list secrets");
        kubernetes
            .faults()
            .once("list secrets", Fault::answer(move |_| Response::text(200, body.clone())));
        kubernetes.end_watches(WatchEnd::Close);
        let _ = source.changes();
        soon(kubernetes.called("list secrets", lists + 1)).await;
        shown.push(format!("{:?}", source.provide(&at_level("driver")).await));
    }
    let lines = format!(
        "{{\"type\":\"MODIFIED\",\"object\":{{\"metadata\":{{\"name\":\"{NAME}\"}},\"data\":{{\"key_id\":\"{base64}!\"}}}}}}\n"
    );
    kubernetes
        .faults()
        .once("watch secrets", Fault::answer(move |_| Response::text(200, lines.clone())));
    let watches = kubernetes.calls().of("watch secrets");
    kubernetes.end_watches(WatchEnd::Close);
    soon(kubernetes.called("watch secrets", watches + 2)).await;

    let form = source.provide(&at_level("driver")).await.unwrap();
    shown.extend([format!("{form:?} {source:?}"), LOG.text()]);
    let shown = shown.join("\n");
    assert!(shown.contains("a watched Secret cannot be followed"), "the capture works");
    for canary in CANARIES {
        let at = shown.find(canary);
        let around =
            at.map(|at| shown[at.saturating_sub(300)..].chars().take(400).collect::<String>());
        assert_eq!(around, None, "{canary}");
    }
}
