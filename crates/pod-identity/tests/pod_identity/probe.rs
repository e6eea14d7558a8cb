use s3_credential_core::ErrorKind;
use s3_credential_testkit::server::Fault;

use crate::fixture::{agent_exchange, assert_kind, cluster, patient};

const FIELD: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";

#[tokio::test]
async fn an_agent_that_refuses_for_want_of_a_token_is_there() {
    let cluster = cluster().await;
    agent_exchange(patient()).probe(FIELD, &cluster.agent.credentials_url()).await.unwrap();
    let requests = cluster.agent.requests();
    assert_eq!((requests.len(), requests[0].header("authorization")), (1, None));
}

#[tokio::test]
async fn what_is_no_agent_or_a_broken_one_is_reported() {
    let cluster = cluster().await;
    let agent = agent_exchange(patient());
    let url = cluster.agent.credentials_url();
    let faults = cluster.agent.faults();
    faults.once("GetCredentials", Fault::status(404, "no such page"));
    let failure = agent.probe(FIELD, &url).await.unwrap_err();
    assert_kind(&failure, ErrorKind::Misconfigured);
    assert!(failure.help().contains(FIELD), "{failure:?}");
    faults.once("GetCredentials", Fault::status(503, ""));
    assert_kind(&agent.probe(FIELD, &url).await.unwrap_err(), ErrorKind::Unavailable);
    cluster.agent.stop().await;
    let failure = agent.probe(FIELD, &url).await.unwrap_err();
    assert!(failure.message().contains("refuses the connection"), "{failure}");
}

#[tokio::test]
async fn a_url_to_which_no_token_may_go_is_not_asked_either() {
    let failure = agent_exchange(patient()).probe(FIELD, "http://example.com/").await.unwrap_err();
    assert_kind(&failure, ErrorKind::Misconfigured);
    assert!(failure.message().contains(FIELD), "{failure}");
}
