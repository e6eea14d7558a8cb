use s3_credential_core::{ErrorKind, Failure};
use s3_credential_pod_identity::AgentSettings;
use s3_credential_testkit::pod_identity_agent::EksAuthError;
use s3_credential_testkit::server::Fault;

use crate::fixture::{
    Cluster, SECOND, agent_exchange, assert_kind, cluster, container, exchange, now, patient,
};

/// Final, as the agent's status and text are; and how often it was asked.
async fn refusal(cluster: &Cluster, settings: AgentSettings) -> (Failure, usize) {
    let before = cluster.agent.calls().of("GetCredentials");
    let failure = exchange(&agent_exchange(settings), &cluster.container()).await.unwrap_err();
    (failure, cluster.agent.calls().of("GetCredentials") - before)
}

#[tokio::test]
async fn the_exceptions_of_eks_auth_are_distinguished() {
    let cluster = cluster().await;
    for (error, kind, retryable, calls) in [
        (EksAuthError::access_denied(), ErrorKind::PermissionDenied, false, 1),
        (EksAuthError::expired_token(), ErrorKind::ExpiredToken, false, 1),
        (EksAuthError::invalid_token(), ErrorKind::Rejected, false, 1),
        (EksAuthError::invalid_request(), ErrorKind::Rejected, false, 1),
        (EksAuthError::invalid_parameter(), ErrorKind::Rejected, false, 1),
        (EksAuthError::internal_server(), ErrorKind::Unavailable, true, 3),
        (EksAuthError::service_unavailable(), ErrorKind::Unavailable, true, 3),
        (EksAuthError::throttling(), ErrorKind::Throttled, true, 3),
    ] {
        cluster.agent.set_upstream_error(Some(error.with_message("canary")));
        let (failure, called) = refusal(&cluster, patient()).await;
        assert_kind(&failure, kind);
        assert_eq!((failure.is_retryable(), called), (retryable, calls), "{failure:?}");
        assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
    }
}

#[tokio::test]
async fn an_association_that_is_not_found_names_the_service_account() {
    let cluster = cluster().await;
    cluster.agent.dissociate("apps", "web");
    let impatient = patient().with_operation_timeout(SECOND / 20);
    let (failure, _) = refusal(&cluster, impatient).await;
    assert_kind(&failure, ErrorKind::NotFound);
    assert!(failure.message().contains("apps/web"), "{failure}");
}

#[tokio::test]
async fn a_subject_that_is_no_name_is_not_shown() {
    let cluster = cluster().await;
    let token =
        cluster.token_of("web").claim("sub", "system:serviceaccount:apps:canary\u{1b}[31m").sign();
    let failure = exchange(
        &agent_exchange(patient().with_operation_timeout(SECOND / 20)),
        &cluster.container_with(&token),
    )
    .await
    .unwrap_err();
    assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
}

#[tokio::test]
async fn a_role_that_does_not_trust_eks_is_reported() {
    let cluster = cluster().await;
    cluster.iam.remove_role(crate::fixture::ROLE);
    let (failure, _) = refusal(&cluster, patient()).await;
    assert_kind(&failure, ErrorKind::PermissionDenied);
    assert!(failure.help().contains("pods.eks.amazonaws.com"), "{failure:?}");
}

#[tokio::test]
async fn an_address_that_the_agent_refuses_is_reported() {
    let cluster = cluster().await;
    cluster.agent.set_hosts(["169.254.170.23"]);
    let (failure, calls) = refusal(&cluster, patient()).await;
    assert_kind(&failure, ErrorKind::PermissionDenied);
    assert!(failure.help().contains("169.254.170.23"), "{failure:?}");
    assert_eq!(calls, 1);
}

#[tokio::test]
async fn what_the_agent_itself_sees_in_a_token_is_reported() {
    let cluster = cluster().await;
    let agent = agent_exchange(patient());
    let expired = cluster.token_of("web").issued_at(now() - 2 * 3600 * SECOND).sign();
    let failure = exchange(&agent, &cluster.container_with(&expired)).await.unwrap_err();
    assert_kind(&failure, ErrorKind::ExpiredToken);
    let failure = exchange(&agent, &cluster.container_with("opaque")).await.unwrap_err();
    assert_kind(&failure, ErrorKind::Rejected);
}

#[tokio::test]
async fn an_answer_that_holds_no_keys_is_unavailable_and_not_shown() {
    let cluster = cluster().await;
    let agent = agent_exchange(patient().with_max_attempts(1));
    for body in [
        "canary".to_owned(),
        r#"{"AccessKeyId":"canary","SecretAccessKey":"canary","Token":"canary"}"#.to_owned(),
        r#"{"AccessKeyId":"canary","SecretAccessKey":"canary","Token":"canary","Expiration":"canary"}"#.to_owned(),
        r#"{"AccessKeyId":"canary","SecretAccessKey":"a\nb","Token":"canary","Expiration":"2026-11-24T02:00:00Z"}"#.to_owned(),
        r#"{"AccessKeyId":["canary"],"SecretAccessKey":"a","Token":"b","Expiration":"2026-11-24T02:00:00Z"}"#.to_owned(),
        format!("{{\"canary\":\"{}\"}}", "a".repeat(1 << 17)),
    ] {
        cluster.agent.faults().once("GetCredentials", Fault::status(200, body));
        let failure = exchange(&agent, &cluster.container()).await.unwrap_err();
        assert_kind(&failure, ErrorKind::Unavailable);
        assert!(failure.is_retryable());
        assert!(!format!("{failure:?} {agent:?}").contains("canary"), "{failure:?}");
    }
}

#[tokio::test]
async fn an_agent_that_is_not_there_is_unavailable() {
    let cluster = cluster().await;
    cluster.agent.stop().await;
    let failure = exchange(&agent_exchange(patient()), &cluster.container()).await.unwrap_err();
    assert_kind(&failure, ErrorKind::Unavailable);
    assert!(failure.message().contains(&cluster.agent.url()), "{failure}");
    assert!(failure.help().contains("eks-pod-identity-agent"), "{failure:?}");
}

#[tokio::test]
async fn an_agent_that_comes_back_is_found() {
    let cluster = cluster().await;
    cluster.agent.stop().await;
    let agent = agent_exchange(patient());
    let form = cluster.container();
    let (keys, restarted) = tokio::join!(exchange(&agent, &form), cluster.agent.restart());
    restarted.unwrap();
    keys.unwrap();
}

#[tokio::test]
async fn a_url_that_is_not_the_agents_is_reported() {
    let cluster = cluster().await;
    let form = container(&format!("{}/canary", cluster.agent.url()), "opaque");
    let failure = exchange(&agent_exchange(patient().with_operation_timeout(SECOND / 20)), &form)
        .await
        .unwrap_err();
    assert_kind(&failure, ErrorKind::NotFound);
    assert!(failure.help().contains("/v1/credentials"), "{failure:?}");
    assert!(!format!("{failure:?}").contains("canary"), "a path may be secret: {failure:?}");
}
