use std::time::Duration;

use futures::future::join_all;
use s3_credential_core::{
    Container, CredentialForm, ErrorKind, ExchangeRequest, KeyExchange as _, Keys,
};
use s3_credential_pod_identity::AgentSettings;
use s3_credential_testkit::iam::{Role, Trust};
use s3_credential_testkit::server::Fault;
use tokio::time::Instant;

use crate::fixture::{
    AUDIENCE, ROLE, SECOND, agent_exchange, as_time_flows, assert_kind, cluster, exchange, patient,
};

#[tokio::test]
async fn the_keys_are_those_of_the_associated_role_with_their_expiry() {
    let cluster = cluster().await;
    let keys = exchange(&agent_exchange(patient()), &cluster.container()).await.unwrap();
    let issued = cluster.iam.issued(keys.access_key_id.expose()).unwrap();
    assert_eq!(keys.secret_access_key, issued.secret_access_key);
    assert_eq!(keys.session_token, issued.session_token);
    assert_eq!(keys.expires_at, issued.expires_at);
    assert_eq!(issued.session.unwrap().role_arn, ROLE);
}

#[tokio::test]
async fn the_token_is_sent_unchanged() {
    let cluster = cluster().await;
    let token = cluster.token_of("web").sign();
    let form = cluster.container_with(&token);
    exchange(&agent_exchange(patient()), &form).await.unwrap();
    let request = &cluster.agent.requests()[0];
    assert_eq!(request.header("authorization"), Some(token.as_str()));
    assert_eq!(request.header("accept"), Some("application/json"));
    assert_eq!(request.path(), "/v1/credentials");
}

#[tokio::test]
async fn a_container_without_a_token_is_asked_without_one() {
    let cluster = cluster().await;
    let form = CredentialForm::Container(Container::new(cluster.agent.credentials_url(), None));
    let failure = exchange(&agent_exchange(patient()), &form).await.unwrap_err();
    assert_kind(&failure, ErrorKind::Rejected);
    assert_eq!(cluster.agent.requests()[0].header("authorization"), None);
}

#[tokio::test]
async fn a_thousand_callers_with_one_token_cost_one_call() {
    let cluster = cluster().await;
    let agent = agent_exchange(patient());
    let web = cluster.container();
    let answers = join_all((0..1000).map(|_| exchange(&agent, &web))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(cluster.agent.calls().of("GetCredentials"), 1);
}

#[tokio::test]
async fn callers_with_different_tokens_do_not_share() {
    let cluster = cluster().await;
    let other = "arn:aws:iam::111122223333:role/api";
    cluster.iam.add_role(Role::new(other).trusting(Trust::service(AUDIENCE)));
    cluster.agent.associate("apps", "api", other);
    let agent = agent_exchange(patient());
    let web = cluster.container();
    let api = cluster.container_with(&cluster.token_of("api").sign());
    let (web, api) = tokio::join!(exchange(&agent, &web), exchange(&agent, &api));
    let role = |keys: Keys| {
        let issued = cluster.iam.issued(keys.access_key_id.expose()).unwrap();
        issued.session.unwrap().role_arn
    };
    assert_eq!((role(web.unwrap()), role(api.unwrap())), (ROLE.to_owned(), other.to_owned()));
}

#[tokio::test]
async fn what_passes_is_asked_for_again() {
    let cluster = cluster().await;
    let agent = agent_exchange(patient());
    let faults = cluster.agent.faults();
    for fault in [
        Fault::status(500, ""),
        Fault::status(503, ""),
        Fault::status(429, ""),
        Fault::garbage(),
        Fault::half_answer(),
        Fault::reset(),
    ] {
        faults.times("GetCredentials", 2, fault);
        exchange(&agent, &cluster.container()).await.unwrap();
        cluster.agent.forget_credentials();
    }
    assert_eq!(cluster.agent.calls().of("GetCredentials"), 6 * 3);
}

#[tokio::test(start_paused = true)]
async fn an_association_is_waited_for_while_it_spreads() {
    let cluster = cluster().await;
    cluster.agent.associate_in(3 * SECOND, "apps", "web", ROLE);
    let agent = agent_exchange(AgentSettings::default());
    let started = Instant::now();
    let keys = as_time_flows(exchange(&agent, &cluster.container())).await;
    keys.unwrap();
    let elapsed = started.elapsed();
    assert!(3 * SECOND <= elapsed && elapsed < 6 * SECOND, "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn an_association_that_never_comes_is_waited_for_ten_seconds() {
    let cluster = cluster().await;
    cluster.agent.dissociate("apps", "web");
    let agent = agent_exchange(AgentSettings::default());
    let started = Instant::now();
    let failure = as_time_flows(exchange(&agent, &cluster.container())).await.unwrap_err();
    assert_kind(&failure, ErrorKind::NotFound);
    assert!(!failure.is_retryable());
    assert!(failure.message().contains("apps/web"), "{failure}");
    assert!(failure.help().contains("create-pod-identity-association"), "{failure:?}");
    let elapsed = started.elapsed();
    assert!(7 * SECOND < elapsed && elapsed <= 10 * SECOND, "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_the_agent_is_reported_though_it_hangs_when_time_is_up() {
    let cluster = cluster().await;
    cluster.agent.dissociate("apps", "web");
    let faults = cluster.agent.faults();
    faults.once("GetCredentials", Fault::latency(Duration::ZERO));
    faults.always("GetCredentials", Fault::hang());
    let agent = agent_exchange(AgentSettings::default().with_operation_timeout(3 * SECOND));
    let failure = as_time_flows(exchange(&agent, &cluster.container())).await.unwrap_err();
    assert_kind(&failure, ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_hangs_is_asked_twice_and_given_up_in_ten_seconds() {
    let cluster = cluster().await;
    cluster.agent.faults().always("GetCredentials", Fault::hang());
    let agent = agent_exchange(AgentSettings::default());
    let started = Instant::now();
    let failure = as_time_flows(exchange(&agent, &cluster.container())).await.unwrap_err();
    assert_kind(&failure, ErrorKind::TimedOut);
    assert!(failure.message().contains("no answer"), "{failure}");
    assert_eq!(cluster.agent.calls().of("GetCredentials"), 2);
    let elapsed = started.elapsed();
    assert!(9 * SECOND < elapsed && elapsed < 11 * SECOND, "{elapsed:?}");
}

#[tokio::test]
async fn a_policy_that_cannot_be_applied_is_refused() {
    let cluster = cluster().await;
    let request = ExchangeRequest { policy: Some("{}".to_owned()), ..ExchangeRequest::default() };
    let failure =
        agent_exchange(patient()).exchange(&cluster.container(), &request).await.unwrap_err();
    assert_kind(&failure, ErrorKind::Misconfigured);
    assert_eq!(cluster.agent.calls().total(), 0);
}
