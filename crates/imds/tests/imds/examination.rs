use std::sync::Arc;

use s3_credential_imds::{Examination, Imds, ImdsSettings};
use s3_credential_testkit::server::Fault;

use crate::fixture::{HeldTime, SECOND, instance};

#[tokio::test]
async fn an_imds_that_answers_returns_role_and_region() {
    let instance = instance().await;
    match instance.imds().examine().await {
        Examination::Answers { role, region } => {
            assert_eq!(role.as_deref(), Some("node"));
            assert_eq!(region.unwrap().as_str(), "eu-north-1");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(instance.emulator.calls().of("GetCredentials"), 0);
}

#[tokio::test]
async fn an_instance_without_a_role_still_answers() {
    let instance = instance().await;
    instance.emulator.set_role(None);
    let examined = instance.imds().examine().await;
    assert!(
        matches!(examined, Examination::Answers { role: None, region: Some(_) }),
        "{examined:?}"
    );
}

#[tokio::test]
async fn off_absent_mute_and_misconfigured_are_distinguished() {
    let instance = instance().await;
    let examine = async |name, value: &str| {
        let environment = instance.environment().with(name, value);
        Imds::new(&environment, ImdsSettings::default(), Arc::new(instance.clock)).examine().await
    };
    let examined = examine("AWS_EC2_METADATA_DISABLED", "true").await;
    assert!(matches!(examined, Examination::SwitchedOff(_)), "{examined:?}");
    let examined = examine("AWS_EC2_METADATA_SERVICE_ENDPOINT", "169.254.169.254").await;
    assert!(matches!(examined, Examination::Misconfigured(_)), "{examined:?}");
    instance.emulator.set_enabled(false);
    let examined = instance.imds().examine().await;
    assert!(
        matches!(&examined, Examination::Mute(failure) if failure.help().contains("enable it")),
        "{examined:?}"
    );
    instance.emulator.stop().await;
    let examined = instance.imds().examine().await;
    assert!(matches!(examined, Examination::NotThere(_)), "{examined:?}");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_does_not_arrive_names_the_hop_limit() {
    let held = HeldTime::new();
    let instance = instance().await;
    instance.emulator.faults().always("GetToken", Fault::hang());
    let imds = instance.imds_with(ImdsSettings::default().with_operation_timeout(SECOND));
    let examined = tokio::spawn(async move { imds.examine().await });
    instance.emulator.called("GetToken", 1).await;
    held.pass(2 * SECOND).await;
    match examined.await.unwrap() {
        Examination::Mute(failure) => assert!(failure.message().contains("hop limit"), "{failure}"),
        other => panic!("{other:?}"),
    }
}
