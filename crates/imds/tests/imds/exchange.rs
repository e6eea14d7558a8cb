use std::time::Duration;

use futures::future::join_all;
use s3_credential_core::{
    CredentialForm, ErrorKind, ExchangeRequest, Failure, KeyExchange as _, Keys,
};
use s3_credential_imds::{ImdsExchange, ImdsSettings};
use s3_credential_testkit::server::{ANY, Fault};

use crate::fixture::{HeldTime, Instance, OTHER_ROLE, ROLE, SECOND, assert_kind, instance};

const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);

async fn exchange(exchange: &ImdsExchange) -> Result<Keys, Failure> {
    exchange.exchange(&CredentialForm::InstanceProfile, &ExchangeRequest::default()).await
}

/// The role of these keys, from the one who made them.
fn role_of(keys: &Keys, instance: &Instance) -> String {
    let issued = instance.iam.issued(keys.access_key_id.expose()).unwrap();
    assert_eq!(issued.secret_access_key, keys.secret_access_key);
    assert_eq!(issued.session_token, keys.session_token);
    issued.session.unwrap().role_arn
}

#[tokio::test]
async fn the_keys_are_those_of_the_role_with_their_expiry() {
    let instance = instance().await;
    let imds = ImdsExchange::new(instance.imds());
    let keys = exchange(&imds).await.unwrap();
    assert_eq!(role_of(&keys, &instance), ROLE);
    let issued = instance.iam.issued(keys.access_key_id.expose()).unwrap();
    assert_eq!(keys.expires_at, issued.expires_at);
    assert_eq!(imds.extended_until(), None);
}

#[tokio::test]
async fn a_change_of_the_role_is_followed() {
    let instance = instance().await;
    let imds = ImdsExchange::new(instance.imds());
    exchange(&imds).await.unwrap();
    instance.emulator.set_role(Some(OTHER_ROLE));
    let keys = exchange(&imds).await.unwrap();
    assert_eq!(role_of(&keys, &instance), OTHER_ROLE);
}

#[tokio::test]
async fn a_thousand_callers_cost_one_exchange() {
    let instance = instance().await;
    let imds = ImdsExchange::new(instance.imds());
    let answers = join_all((0..1000).map(|_| exchange(&imds))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(instance.emulator.calls().of("GetCredentials"), 1);
}

#[tokio::test]
async fn keys_that_are_valid_still_outlive_whatever_goes_wrong() {
    let instance = instance().await;
    let imds = ImdsExchange::new(instance.imds());
    let keys = exchange(&imds).await.unwrap();
    let faults = instance.emulator.faults();
    for fault in [
        Fault::status(500, ""),
        Fault::status(403, ""),
        Fault::status(404, ""),
        Fault::garbage(),
        Fault::reset(),
    ] {
        faults.always(ANY, fault);
        assert_eq!(exchange(&imds).await.unwrap(), keys);
        faults.clear_all();
    }
    instance.emulator.stop().await;
    assert_eq!(exchange(&imds).await.unwrap(), keys);
    assert_eq!(imds.extended_until(), None);
}

#[tokio::test(start_paused = true)]
async fn expired_keys_are_extended_while_imds_is_down_and_replaced_when_it_is_back() {
    let time = HeldTime::new();
    let instance = instance().await;
    // One attempt: the pauses between attempts would wait for the time that is held.
    let settings = ImdsSettings::default().with_max_attempts(1);
    let imds = ImdsExchange::new(instance.imds_with(settings));
    let keys = exchange(&imds).await.unwrap();
    time.pass(7 * HOUR).await;
    instance.emulator.faults().always(ANY, Fault::status(500, ""));

    let now = instance.iam.now();
    let extended = exchange(&imds).await.unwrap();
    assert_eq!(extended.access_key_id, keys.access_key_id);
    let until = extended.expires_at.unwrap();
    assert!(now + 10 * MINUTE <= until && until <= now + 15 * MINUTE, "{until}");
    assert_eq!(imds.extended_until(), Some(until));

    instance.emulator.faults().clear_all();
    let renewed = exchange(&imds).await.unwrap();
    assert_ne!(renewed.access_key_id, keys.access_key_id);
    assert_eq!(imds.extended_until(), None);
}

#[tokio::test(start_paused = true)]
async fn a_silent_imds_is_outlived_without_waiting_for_it_each_time() {
    let time = HeldTime::new();
    let instance = instance().await;
    let imds = ImdsExchange::new(instance.imds_with(ImdsSettings::default()));
    let keys = exchange(&imds).await.unwrap();
    instance.emulator.faults().always("ListRoles", Fault::hang());
    let (answer, ()) = tokio::join!(exchange(&imds), async {
        instance.emulator.called("ListRoles", 2).await;
        time.pass(SECOND).await;
    });
    assert_eq!(answer.unwrap(), keys);
    assert_eq!(exchange(&imds).await.unwrap(), keys);
    assert_eq!(instance.emulator.calls().of("ListRoles"), 2);
}

#[tokio::test(start_paused = true)]
async fn expired_keys_that_imds_itself_lives_on_are_extended() {
    let time = HeldTime::new();
    let instance = instance().await;
    let imds = ImdsExchange::new(instance.imds_with(ImdsSettings::default()));
    let keys = exchange(&imds).await.unwrap();
    instance.emulator.freeze_credentials(true);
    time.pass(7 * HOUR).await;
    let extended = exchange(&imds).await.unwrap();
    assert_eq!(extended.access_key_id, keys.access_key_id);
    assert!(extended.expires_at.unwrap() >= instance.iam.now() + 10 * MINUTE);
    assert_eq!(imds.extended_until(), extended.expires_at);
}

#[tokio::test(start_paused = true)]
async fn keys_of_a_role_that_is_gone_are_not_extended() {
    let time = HeldTime::new();
    let instance = instance().await;
    let imds = ImdsExchange::new(instance.imds_with(ImdsSettings::default()));
    exchange(&imds).await.unwrap();
    instance.emulator.set_role(None);
    time.pass(7 * HOUR).await;
    let failure = exchange(&imds).await.unwrap_err();
    assert_kind(&failure, ErrorKind::NotFound);
    assert!(failure.message().contains("has no role"), "{failure}");
}

#[tokio::test]
async fn a_role_that_ec2_may_not_assume_is_reported() {
    let instance = instance().await;
    instance.iam.remove_role(ROLE);
    let failure = exchange(&ImdsExchange::new(instance.imds())).await.unwrap_err();
    assert_kind(&failure, ErrorKind::PermissionDenied);
    assert!(failure.help().contains("ec2.amazonaws.com"), "{failure:?}");
}

#[tokio::test]
async fn a_document_that_cannot_be_read_is_unavailable_and_not_shown() {
    let instance = instance().await;
    let imds = ImdsExchange::new(instance.imds());
    for document in [
        r"canary",
        r#"{"Code":"Success","AccessKeyId":"canary","SecretAccessKey":"canary"}"#,
        r#"{"AccessKeyId":"canary","SecretAccessKey":"canary","Token":"canary","Expiration":"canary"}"#,
        r#"{"AccessKeyId":"canary","SecretAccessKey":"canary\n","Token":"canary","Expiration":"2026-11-24T02:00:00Z"}"#,
        r#"{"AccessKeyId":["canary"],"SecretAccessKey":"canary","Token":"canary","Expiration":"2026-11-24T02:00:00Z"}"#,
        r#"{"Code":"canary","Message":"canary"}"#,
    ] {
        instance.emulator.faults().once("GetCredentials", Fault::status(200, document));
        let failure = exchange(&imds).await.unwrap_err();
        assert_kind(&failure, ErrorKind::Unavailable);
        assert!(!format!("{failure:?} {imds:?}").contains("canary"), "{failure:?}");
    }
    exchange(&imds).await.unwrap();
    assert!(!format!("{imds:?}").contains("ASIA"), "{imds:?}");
}

#[tokio::test]
async fn keys_that_are_not_there_yet_may_come_later() {
    let instance = instance().await;
    instance.emulator.faults().once("GetCredentials", Fault::status(404, ""));
    let imds = ImdsExchange::new(instance.imds());
    let failure = exchange(&imds).await.unwrap_err();
    assert_kind(&failure, ErrorKind::Unavailable);
    exchange(&imds).await.unwrap();
}

#[tokio::test]
async fn the_way_in_which_imds_is_away_decides_the_kind() {
    let instance = instance().await;
    instance.emulator.set_enabled(false);
    let failure = exchange(&ImdsExchange::new(instance.imds())).await.unwrap_err();
    assert_kind(&failure, ErrorKind::Misconfigured);
    instance.emulator.stop().await;
    let failure = exchange(&ImdsExchange::new(instance.imds())).await.unwrap_err();
    assert_kind(&failure, ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_policy_that_cannot_be_applied_is_refused() {
    let instance = instance().await;
    let request = ExchangeRequest { policy: Some("{}".to_owned()), ..ExchangeRequest::default() };
    let failure = ImdsExchange::new(instance.imds())
        .exchange(&CredentialForm::InstanceProfile, &request)
        .await
        .unwrap_err();
    assert_kind(&failure, ErrorKind::Misconfigured);
    assert_eq!(instance.emulator.calls().total(), 0);
}
