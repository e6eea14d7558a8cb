//! No secret in errors and logs, however the answer is broken and however much is logged.

use std::error::Error;

use s3_credential_core::{ExchangeRequest, Failure, RoleHop};
use s3_credential_testkit::log::CapturedLog;
use s3_credential_testkit::server::Fault;
use s3_credential_testkit::sts::StsError;

use crate::world::{OPERATION, SECOND_ROLE, World, role};

const CANARY: &str = "CANARYCANARYCANARY";

/// Everything that a failure can be made to say.
fn all_of(failure: &Failure) -> String {
    let mut text = format!("{failure:?} {failure:#?} {failure} {}", failure.help());
    let mut source = failure.source();
    while let Some(cause) = source {
        text = format!("{text} {cause:?} {cause}");
        source = cause.source();
    }
    text
}

fn answer(keys: &str) -> String {
    format!(
        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>{keys}"
    )
}

#[tokio::test]
async fn a_broken_answer_is_not_repeated() {
    let key = format!("<SecretAccessKey>{CANARY}</SecretAccessKey>");
    for body in [
        answer(&key),
        answer(&format!("{key}</Credentials>")),
        answer(&format!(
            "<AccessKeyId>A</AccessKeyId>{key}<SessionToken>{CANARY}</SessionToken><Expiration>{CANARY}</Expiration>\
             </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
        )),
        format!("{{\"SecretAccessKey\":\"{CANARY}\"}}"),
    ] {
        for status in [200, 400, 500] {
            let world = World::start().await;
            world.always(Fault::status(status, body.clone()));
            let failure =
                world.exchange(world.identity(), &ExchangeRequest::default()).await.unwrap_err();
            let text = all_of(&failure);
            assert!(!text.contains("CANARY"), "{status}: {text}");
        }
    }
}

#[tokio::test]
async fn a_message_of_sts_is_not_repeated() {
    for error in [
        StsError::access_denied(CANARY),
        StsError::validation(CANARY),
        StsError::expired_token().with_message(CANARY),
    ] {
        let world = World::start().await;
        world.always(error);
        let failure =
            world.exchange(world.identity(), &ExchangeRequest::default()).await.unwrap_err();
        let text = all_of(&failure);
        assert!(!text.contains("CANARY"), "{text}");
    }
}

/// The SDK logs whole requests and answers at trace level; what it leaves out depends on its
/// version and on the process environment. So none of its words reach a log, and ours say what went
/// wrong.
#[tokio::test]
async fn token_and_keys_are_in_no_log_at_any_level() {
    let log = CapturedLog::start();

    let world = World::start().await;
    let token = world.token();
    world.emulator.faults().once(OPERATION, Fault::status(200, answer(CANARY)));
    let identity = crate::world::identity(&token).with_second_hop(Some(RoleHop {
        role_arn: role(SECOND_ROLE),
        external_id: Some("tenant-7".to_owned()),
        session_name: None,
        duration: None,
        tags: Vec::new(),
    }));
    let sts = world.sts();
    let keys = crate::world::exchange(&sts, identity, &ExchangeRequest::default()).await.unwrap();
    assert_eq!(world.calls(), 2);

    let text = format!("{} {sts:?} {keys:?}", log.text());
    assert!(text.contains("answer that cannot be read"), "{text}");
    assert!(!text.contains("aws_smithy_runtime"), "{text}");
    assert!(!text.contains("CANARY"), "{text}");
    let signature = token.rsplit('.').next().unwrap();
    assert!(!text.contains(signature), "{text}");
    for issued in world.emulator.iam().all_issued() {
        for secret in [Some(&issued.secret_access_key), issued.session_token.as_ref()] {
            assert!(!text.contains(secret.unwrap().expose()), "{text}");
        }
    }
}
