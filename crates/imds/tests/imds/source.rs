use futures::future::join_all;
use s3_credential_core::{Code, CredentialForm, CredentialSource as _, ErrorKind, SourceChain};
use s3_credential_imds::{Imds, ImdsSettings, ImdsSource};
use s3_credential_testkit::iam::Role;
use s3_credential_testkit::server::{ANY, Fault};
use std::sync::Arc;
use tokio::net::TcpSocket;
use tokio::time::Instant;

use crate::fixture::{
    HeldTime, SECOND, assert_kind, failure, instance, not_applicable, volume, volume_at,
};

/// A role that does not trust `ec2.amazonaws.com`.
const DISTRUSTFUL: &str = "arn:aws:iam::111122223333:role/distrustful";

#[tokio::test]
async fn a_role_makes_the_instance_profile_apply() {
    let instance = instance().await;
    let source = ImdsSource::new(instance.imds());
    assert_eq!(source.name(), "imds");
    let form = source.provide(&volume()).await.unwrap();
    assert_eq!(form, CredentialForm::InstanceProfile);
    assert_eq!(instance.emulator.calls().of("GetCredentials"), 1);
}

#[tokio::test]
async fn a_role_that_the_instance_may_not_assume_stops_the_chain_with_the_reason() {
    let instance = instance().await;
    // Listed, and its trust policy does not name EC2.
    instance.iam.add_role(Role::new(DISTRUSTFUL));
    instance.emulator.set_role(Some(DISTRUSTFUL));
    let source = ImdsSource::new(instance.imds());
    let failure = failure(source.provide(&volume()).await.unwrap_err());
    assert_kind(&failure, ErrorKind::PermissionDenied);
    assert!(failure.message().contains("AssumeRoleUnauthorizedAccess"), "{failure}");
}

#[tokio::test]
async fn a_role_without_keys_stops_the_chain() {
    let instance = instance().await;
    let source = ImdsSource::new(instance.imds());
    for fault in [
        Fault::status(404, ""),
        Fault::status(200, r#"{"Code":"Failed","Message":"canary"}"#),
        Fault::status(200, r#"{"Code":"Success","SecretAccessKey":"canary"}"#),
    ] {
        instance.emulator.faults().times("GetCredentials", 3, fault);
        let failure = failure(source.provide(&volume()).await.unwrap_err());
        assert_kind(&failure, ErrorKind::Unavailable);
        assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
        instance.emulator.faults().clear_all();
    }
    source.provide(&volume()).await.unwrap();
}

#[tokio::test]
async fn a_role_that_is_listed_with_a_path_or_a_slash_is_asked_for_by_its_listed_name() {
    let instance = instance().await;
    let source = ImdsSource::new(instance.imds());
    let document = r#"{"AccessKeyId":"ASIAX","SecretAccessKey":"s","Token":"t","Expiration":"2027-01-01T00:00:00Z"}"#;
    for role in ["data/team-x/reader", "reader/"] {
        let faults = instance.emulator.faults();
        faults.once("ListRoles", Fault::status(200, role));
        faults.once("GetCredentials", Fault::status(200, document));
        source.provide(&volume()).await.unwrap();

        faults.once("ListRoles", Fault::status(200, role));
        let failure = failure(source.provide(&volume()).await.unwrap_err());
        assert!(failure.message().contains(&format!("the role {role} ")), "{failure}");
    }
    for role in ["/reader", "a//b", "a/../b", ".", "a b", "a?b", "a%2fb"] {
        instance.emulator.faults().times("ListRoles", 3, Fault::status(200, role));
        let failure = failure(source.provide(&volume()).await.unwrap_err());
        assert!(failure.message().contains("lists a role whose name"), "{role}: {failure}");
        instance.emulator.faults().clear_all();
    }
}

#[tokio::test]
async fn the_session_token_is_kept_between_volumes() {
    let instance = instance().await;
    let source = ImdsSource::new(instance.imds());
    for _ in 0..3 {
        source.provide(&volume()).await.unwrap();
    }
    let calls = instance.emulator.calls();
    assert_eq!((calls.of("GetToken"), calls.of("ListRoles")), (1, 3));
}

#[tokio::test]
async fn without_a_role_it_does_not_apply() {
    let instance = instance().await;
    instance.emulator.set_role(None);
    let source = ImdsSource::new(instance.imds());
    let (reason, help, timed_out) = not_applicable(source.provide(&volume()).await.unwrap_err());
    assert!(reason.contains("has no role"), "{reason}");
    assert!(help.contains("attach an instance profile"), "{help}");
    assert!(!timed_out);
}

#[tokio::test]
async fn the_switch_keeps_it_from_asking_at_all() {
    let instance = instance().await;
    let environment = instance.environment().with("AWS_EC2_METADATA_DISABLED", "True");
    for probe in [true, false] {
        let settings = ImdsSettings::default().with_probe(probe);
        let imds = Imds::new(&environment, settings, Arc::new(instance.clock));
        let (reason, help, _) =
            not_applicable(ImdsSource::new(imds).provide(&volume()).await.unwrap_err());
        assert!(reason.contains("AWS_EC2_METADATA_DISABLED"), "{reason}");
        assert!(help.contains("remove AWS_EC2_METADATA_DISABLED"), "{help}");
    }
    assert_eq!(instance.emulator.calls().total(), 0);
}

#[tokio::test]
async fn an_imds_that_is_disabled_for_the_instance_does_not_apply() {
    let instance = instance().await;
    instance.emulator.set_enabled(false);
    let source = ImdsSource::new(instance.imds());
    let (reason, help, timed_out) = not_applicable(source.provide(&volume()).await.unwrap_err());
    assert!(reason.contains("403"), "{reason}");
    assert!(help.contains("--http-endpoint enabled"), "{help}");
    assert!(!timed_out);
}

#[tokio::test]
async fn a_refused_connection_does_not_apply() {
    let instance = instance().await;
    instance.emulator.stop().await;
    let source = ImdsSource::new(instance.imds());
    let (reason, help, timed_out) = not_applicable(source.provide(&volume()).await.unwrap_err());
    assert!(reason.contains("refuses the connection"), "{reason}");
    assert!(reason.contains(&instance.emulator.url()), "{reason}");
    assert!(help.contains("AWS_EC2_METADATA_DISABLED=true"), "{help}");
    assert!(!timed_out);
}

#[tokio::test(start_paused = true)]
async fn a_hop_limit_that_is_too_low_is_recognised_within_a_second() {
    let time = HeldTime::new();
    let instance = instance().await;
    instance.emulator.set_hop_limit_reached(true);
    let source = ImdsSource::new(instance.imds_with(ImdsSettings::default()));
    let (context, started) = (volume(), Instant::now());
    let (answer, ()) = tokio::join!(source.provide(&context), async {
        instance.emulator.called("GetToken", 1).await;
        time.pass(SECOND).await;
    });
    assert_eq!(started.elapsed(), SECOND);
    let (reason, help, timed_out) = not_applicable(answer.unwrap_err());
    assert!(reason.contains("hop limit"), "{reason}");
    assert!(help.contains("HttpPutResponseHopLimit"), "{help}");
    assert!(help.contains("--http-put-response-hop-limit 2"), "{help}");
    assert!(timed_out);
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_for_one_session_token_learn_of_the_same_hop_limit() {
    let time = HeldTime::new();
    let instance = instance().await;
    instance.emulator.set_hop_limit_reached(true);
    let source = ImdsSource::new(instance.imds_with(ImdsSettings::default()));
    let context = volume();
    let (answers, ()) = tokio::join!(join_all((0..3).map(|_| source.provide(&context))), async {
        instance.emulator.called("GetToken", 1).await;
        time.pass(SECOND).await;
    });
    for answer in answers {
        let (reason, ..) = not_applicable(answer.unwrap_err());
        assert!(reason.contains("hop limit"), "{reason}");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_after_the_session_token_is_not_blamed_on_the_hop_limit() {
    let time = HeldTime::new();
    let instance = instance().await;
    instance.emulator.faults().once("ListRoles", Fault::hang());
    let source = ImdsSource::new(instance.imds_with(ImdsSettings::default()));
    let context = volume();
    let (answer, ()) = tokio::join!(source.provide(&context), async {
        instance.emulator.called("ListRoles", 1).await;
        time.pass(SECOND).await;
    });
    let (reason, help, timed_out) = not_applicable(answer.unwrap_err());
    assert!(reason.contains("gave a session token"), "{reason}");
    assert!(!help.contains("HopLimit"), "{help}");
    assert!(timed_out);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_no_one_takes_is_not_blamed_on_the_hop_limit() {
    let time = HeldTime::new();
    let instance = instance().await;
    // A queue that is full: the kernel drops what would still connect.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let _queued = tokio::net::TcpStream::connect(address).await.unwrap();

    let environment = instance
        .environment()
        .with("AWS_EC2_METADATA_SERVICE_ENDPOINT", format!("http://{address}"));
    let imds = Imds::new(&environment, ImdsSettings::default(), Arc::new(instance.clock));
    let source = ImdsSource::new(imds);
    let context = volume();
    let (answer, ()) = tokio::join!(source.provide(&context), time.pass(SECOND));
    let (reason, help, timed_out) = not_applicable(answer.unwrap_err());
    assert!(reason.contains("no connection in time"), "{reason}");
    assert!(!help.contains("HopLimit"), "{help}");
    assert!(timed_out);
}

#[tokio::test(start_paused = true)]
async fn a_chain_that_ends_at_a_silent_imds_is_unavailable() {
    let time = HeldTime::new();
    let instance = instance().await;
    instance.emulator.set_hop_limit_reached(true);
    let chain =
        SourceChain::first_try(ImdsSource::new(instance.imds_with(ImdsSettings::default())));
    let context = volume();
    let (answer, ()) = tokio::join!(chain.provide(&instance.clock, &context), async {
        instance.emulator.called("GetToken", 1).await;
        time.pass(SECOND).await;
    });
    let failure = answer.result.unwrap_err();
    assert_eq!(failure.code(), Code::Unavailable);
    assert!(failure.help().contains("HttpPutResponseHopLimit"));
    assert_eq!(answer.attempts[0].duration, SECOND);
}

#[tokio::test(start_paused = true)]
async fn silence_is_waited_for_once_in_five_seconds() {
    let time = HeldTime::new();
    let instance = instance().await;
    instance.emulator.set_hop_limit_reached(true);
    let source = ImdsSource::new(instance.imds_with(ImdsSettings::default()));
    let context = volume();
    let (first, ()) = tokio::join!(source.provide(&context), async {
        instance.emulator.called("GetToken", 1).await;
        time.pass(SECOND).await;
    });
    let second = source.provide(&context).await;
    assert_eq!(not_applicable(first.unwrap_err()), not_applicable(second.unwrap_err()));
    assert_eq!(instance.emulator.calls().of("GetToken"), 1);

    instance.emulator.set_hop_limit_reached(false);
    time.pass(5 * SECOND).await;
    source.provide(&context).await.unwrap();
}

#[tokio::test]
async fn a_fault_of_imds_is_asked_again_and_then_stops_the_chain() {
    let instance = instance().await;
    instance.emulator.faults().once("ListRoles", Fault::status(500, "canary"));
    let source = ImdsSource::new(instance.imds());
    source.provide(&volume()).await.unwrap();

    for operation in ["ListRoles", "GetToken"] {
        let source = ImdsSource::new(instance.imds());
        let before = instance.emulator.calls().of(operation);
        instance.emulator.faults().times(operation, 3, Fault::status(503, "canary"));
        let failure = failure(source.provide(&volume()).await.unwrap_err());
        assert_kind(&failure, ErrorKind::Unavailable);
        assert!(failure.message().contains("503"), "{failure}");
        assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
        assert_eq!(instance.emulator.calls().of(operation), before + 3);
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_stops_the_chain() {
    let instance = instance().await;
    let source = ImdsSource::new(instance.imds());
    for fault in [
        Fault::garbage(),
        Fault::status(200, "../../canary"),
        Fault::status(200, vec![b'a'; 1 << 20]),
        Fault::half_answer(),
        Fault::reset(),
    ] {
        instance.emulator.faults().times("ListRoles", 3, fault);
        let failure = failure(source.provide(&volume()).await.unwrap_err());
        assert_kind(&failure, ErrorKind::Unavailable);
        assert!(failure.is_retryable());
        assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
        instance.emulator.faults().clear_all();
    }
}

#[tokio::test]
async fn an_endpoint_without_session_tokens_is_no_imds() {
    let instance = instance().await;
    instance.emulator.faults().always("GetToken", Fault::status(404, ""));
    let source = ImdsSource::new(instance.imds());
    let failure = failure(source.provide(&volume()).await.unwrap_err());
    assert_kind(&failure, ErrorKind::Unavailable);
    assert!(failure.message().contains("a session token with HTTP 404"), "{failure}");
    assert!(failure.message().contains("version 1 only"), "{failure}");
}

#[tokio::test]
async fn a_limited_rate_is_reported_as_such() {
    let instance = instance().await;
    instance.emulator.faults().always(ANY, Fault::status(429, ""));
    let source = ImdsSource::new(instance.imds());
    let failure = failure(source.provide(&volume()).await.unwrap_err());
    assert_kind(&failure, ErrorKind::Throttled);
}

#[tokio::test]
async fn a_session_token_that_is_refused_is_replaced() {
    let instance = instance().await;
    let source = ImdsSource::new(instance.imds());
    source.provide(&volume()).await.unwrap();
    instance.emulator.forget_tokens();
    source.provide(&volume()).await.unwrap();
    assert_eq!(instance.emulator.calls().of("GetToken"), 2);
}

#[tokio::test]
async fn without_the_probe_no_request_is_sent() {
    let instance = instance().await;
    let source = ImdsSource::new(instance.imds_with(ImdsSettings::default().with_probe(false)));
    let form = source.provide(&volume()).await.unwrap();
    assert_eq!(form, CredentialForm::InstanceProfile);
    assert_eq!(instance.emulator.calls().total(), 0);
}

#[tokio::test]
async fn a_pod_never_gets_the_identity_of_the_node() {
    let instance = instance().await;
    let source = ImdsSource::new(instance.imds());
    let (reason, ..) = not_applicable(source.provide(&volume_at("pod")).await.unwrap_err());
    assert!(reason.contains("pod level"), "{reason}");
    assert_eq!(instance.emulator.calls().total(), 0);
}
