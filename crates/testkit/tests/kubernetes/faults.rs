use std::time::Duration;

use k8s_openapi::api::core::v1::ServiceAccount;
use s3_credential_testkit::kubernetes::Failure;
use s3_credential_testkit::server::{ANY, Fault};

use crate::{apps, cluster, refusal};

#[tokio::test]
async fn a_planned_failure_is_the_servers_own_status() {
    let (kubernetes, client) = cluster().await;
    kubernetes.put_service_account("apps", "web", &[]);
    let api = apps::<ServiceAccount>(&client);
    for (failure, code, reason) in [
        (Failure::Unauthorized, 401, "Unauthorized"),
        (Failure::Expired, 410, "Expired"),
        (Failure::TooManyRequests, 429, "TooManyRequests"),
        (Failure::ServiceUnavailable, 503, "ServiceUnavailable"),
        (Failure::InternalError, 500, "InternalError"),
    ] {
        kubernetes.faults().once("get serviceaccounts", failure);
        let status = refusal(api.get("web").await);
        assert_eq!((status.code, status.reason.as_str()), (code, reason));
        assert!(api.get("web").await.is_ok());
    }
}

#[tokio::test]
async fn broken_answers_are_errors_of_the_transport() {
    let (kubernetes, client) = cluster().await;
    kubernetes.put_service_account("apps", "web", &[]);
    let api = apps::<ServiceAccount>(&client);
    for fault in [Fault::half_answer(), Fault::reset(), Fault::garbage()] {
        kubernetes.faults().once(ANY, fault);
        let result = api.get("web").await;
        assert!(!matches!(result, Ok(_) | Err(kube::Error::Api(_))), "{result:?}");
    }
    assert!(api.get("web").await.is_ok());
}

#[tokio::test]
async fn a_hanging_call_is_the_clients_to_give_up() {
    let (kubernetes, client) = cluster().await;
    kubernetes.put_service_account("apps", "web", &[]);
    let api = apps::<ServiceAccount>(&client);
    kubernetes.faults().once("get serviceaccounts", Fault::hang());
    let call = tokio::spawn({
        let api = api.clone();
        async move { api.get("web").await.map(|_| ()) }
    });
    kubernetes.called("get serviceaccounts", 1).await;
    assert!(!call.is_finished());
    call.abort();
    let answered = tokio::time::timeout(Duration::from_secs(30), api.get("web")).await;
    assert!(answered.unwrap().is_ok());
}
