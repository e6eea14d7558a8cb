use std::io;
use std::sync::{Arc, Mutex};

use s3_credential_testkit::server::Fault;

use crate::fixture::{agent_exchange, cluster, exchange, patient};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_reaches_the_log_at_its_most_talkative() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    tracing::trace!("events are captured");

    let cluster = cluster().await;
    let token = cluster.token_of("web").sign();
    let form = cluster.container_with(&token);
    let agent = agent_exchange(patient());
    let faults = cluster.agent.faults();
    faults.once("GetCredentials", Fault::status(500, "canary-refused"));
    faults.once("GetCredentials", Fault::status(200, r#"{"Token":"canary-malformed"}"#));
    exchange(&agent, &form).await.unwrap();

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
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
