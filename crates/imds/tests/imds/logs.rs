use s3_credential_core::{CredentialForm, ExchangeRequest, KeyExchange as _};
use s3_credential_imds::ImdsExchange;
use s3_credential_testkit::log::CapturedLog;
use s3_credential_testkit::server::Fault;

use crate::fixture::instance;

#[tokio::test]
async fn no_secret_reaches_the_log_at_its_most_talkative() {
    let log = CapturedLog::start();
    tracing::trace!("events are captured");

    let instance = instance().await;
    let imds = ImdsExchange::new(instance.imds());
    let request = ExchangeRequest::default();
    let exchange = || imds.exchange(&CredentialForm::InstanceProfile, &request);
    exchange().await.unwrap();
    let malformed = r#"{"Code":"Success","SecretAccessKey":"canary-malformed"}"#;
    let faults = instance.emulator.faults();
    faults.once("GetCredentials", Fault::status(200, malformed));
    exchange().await.unwrap();
    faults.times("GetCredentials", 3, Fault::status(500, "canary-refused"));
    exchange().await.unwrap();

    let log = log.text();
    assert!(log.contains("are captured"));
    let issued = &instance.iam.all_issued()[0];
    let tokens = instance.emulator.requests();
    let tokens = tokens.iter().filter_map(|request| request.header("x-aws-ec2-metadata-token"));
    let secrets = [
        issued.secret_access_key.expose(),
        issued.session_token.as_ref().unwrap().expose(),
        "canary",
    ];
    for secret in secrets.into_iter().chain(tokens) {
        assert!(!log.contains(secret), "{secret}");
    }
}
