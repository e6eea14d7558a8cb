use s3_credential_testkit::log::CapturedLog;
use s3_credential_testkit::server::Fault;

use crate::fixture::{agent_exchange, cluster, exchange, patient};

#[tokio::test]
async fn no_secret_reaches_the_log_at_its_most_talkative() {
    let log = CapturedLog::start();
    tracing::trace!("events are captured");

    let cluster = cluster().await;
    let token = cluster.token_of("web").sign();
    let form = cluster.container_with(&token);
    let agent = agent_exchange(patient());
    let faults = cluster.agent.faults();
    faults.once("GetCredentials", Fault::status(500, "canary-refused"));
    faults.once("GetCredentials", Fault::status(200, r#"{"Token":"canary-malformed"}"#));
    exchange(&agent, &form).await.unwrap();

    let log = log.text();
    assert!(log.contains("are captured"));
    let issued = &cluster.iam.all_issued()[0];
    for secret in [
        &token,
        issued.secret_access_key.expose(),
        issued.session_token.as_ref().unwrap().expose(),
        "canary",
    ] {
        assert!(!log.contains(secret), "{secret}");
    }
}
