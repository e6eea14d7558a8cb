//! No token in errors and logs, however the answer is broken and however much is logged.

use std::time::Duration;

use s3_credential_core::CredentialSource as _;
use s3_credential_pod_token::PodTokenSettings;
use s3_credential_testkit::kubernetes::Rule;
use s3_credential_testkit::log::CapturedLog;
use s3_credential_testkit::server::Fault;

use crate::world::{CREATE_TOKEN, GET, ROLE, World, context, identity};

/// kube warns of an answer that it cannot read with the whole of it.
#[tokio::test]
async fn a_token_is_in_no_log_at_any_level() {
    let log = CapturedLog::start();

    let world = World::with_role(ROLE).await;
    world.allow(Rule::new(["create"], ["serviceaccounts/token"]));
    world.kubernetes.put_pod("apps", "web-0", "pod-1", "web");
    let request_tokens = Some(Duration::from_hours(1));
    let source = world.source(PodTokenSettings { request_tokens, ..PodTokenSettings::default() });
    let mut said = Vec::new();
    for broken in [
        r#"{"status": {"token": "CANARY", "expirationTimestamp": "CANARY"}}"#,
        r#"{"status": {"token": "CANARY"#,
        "CANARY",
    ] {
        for operation in [CREATE_TOKEN, GET] {
            for status in [200, 500] {
                world.kubernetes.faults().once(operation, Fault::status(status, broken));
                // A pod of its own, so that no cached answer serves it.
                let uid = format!("pod-{}", world.kubernetes.calls().total());
                world.kubernetes.put_pod("apps", "web-0", &uid, "web");
                let context = context(&[(crate::world::UID, &uid)], "");
                said.push(format!("{:?}", source.provide(&context).await.unwrap_err()));
            }
        }
    }
    let context = world.context();
    let good = identity(&source, &context).await;
    said.push(format!("{source:?} {good:?} {:?}", source.provide(&context).await));

    let text = format!("{} {said:?}", log.text());
    assert!(text.contains("no answer from the Kubernetes API"), "{text}");
    assert!(!text.contains("CANARY"), "{text}");
    assert!(!text.contains(good.token.secret().expose()), "{text}");
}
