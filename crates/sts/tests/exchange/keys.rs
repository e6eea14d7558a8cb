//! What comes out.

use std::time::Duration;

use s3_credential_core::{
    CredentialForm, ErrorKind, ExchangeRequest, KeyExchange as _, RoleHop, SessionSettings,
};

use crate::world::{ROLE, SECOND_ROLE, World, role};

#[tokio::test]
async fn a_token_becomes_the_keys_that_sts_issued() {
    let world = World::start().await;
    let keys = world.exchange(world.identity(), &ExchangeRequest::default()).await.unwrap();
    let issued = world.last_issued();
    assert_eq!(keys.access_key_id.expose(), issued.access_key_id);
    assert_eq!(keys.secret_access_key, issued.secret_access_key);
    assert_eq!(keys.session_token, issued.session_token);
    assert_eq!(keys.expires_at, issued.expires_at);
    assert_eq!((keys.region, keys.endpoint), (None, None));
}

#[tokio::test]
async fn the_session_is_named_after_the_service_account() {
    let world = World::start().await;
    world.exchange(world.identity(), &ExchangeRequest::default()).await.unwrap();
    let session = world.last_session();
    assert_eq!(session.role_arn, ROLE);
    assert_eq!(session.session_name, "s3-csi.apps.web");
    assert_eq!(session.subject.as_deref(), Some("system:serviceaccount:apps:web"));
    assert_eq!(session.duration, Duration::from_hours(1));
    assert_eq!((session.policy, session.policy_arns), (None, vec![]));
}

#[tokio::test]
async fn name_duration_policy_and_policy_arns_are_asked_for() {
    const POLICY: &str =
        r#"{"Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
    let world = World::start().await;
    let identity = world.identity().with_session(SessionSettings {
        name: Some("backup@node-7".to_owned()),
        duration: Some(Duration::from_hours(2)),
        policy: Some(POLICY.to_owned()),
        policy_arns: vec!["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess".to_owned()],
        regional_endpoints: None,
    });
    world.exchange(identity, &ExchangeRequest::default()).await.unwrap();
    let session = world.last_session();
    assert_eq!(session.session_name, "backup@node-7");
    assert_eq!(session.duration, Duration::from_hours(2));
    assert_eq!(session.policy.as_deref(), Some(POLICY));
    assert_eq!(session.policy_arns, ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]);
}

#[tokio::test]
async fn a_second_hop_gives_the_keys_of_the_second_role() {
    const POLICY: &str = r#"{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    let world = World::start().await;
    let identity = world.identity().with_second_hop(Some(RoleHop {
        role_arn: role(SECOND_ROLE),
        external_id: Some("tenant-7".to_owned()),
        session_name: None,
        duration: Some(Duration::from_mins(30)),
        tags: vec![("team".to_owned(), "photos".to_owned())],
    }));
    let narrowed =
        ExchangeRequest { policy: Some(POLICY.to_owned()), ..ExchangeRequest::default() };
    let keys = world.exchange(identity, &narrowed).await.unwrap();

    let [first, second] = world.emulator.iam().all_issued().try_into().unwrap();
    assert_eq!(keys.access_key_id.expose(), second.access_key_id);
    assert_eq!(keys.session_token, second.session_token);
    let (first, caller) = (first.session.unwrap(), first.access_key_id);
    let second = second.session.unwrap();
    assert_eq!((first.role_arn.as_str(), second.role_arn.as_str()), (ROLE, SECOND_ROLE));
    assert_eq!(second.caller, Some(caller));
    assert_eq!(second.external_id.as_deref(), Some("tenant-7"));
    assert_eq!(second.tags["team"], "photos");
    assert_eq!(second.session_name, "s3-csi.apps.web");
    assert_eq!(second.duration, Duration::from_mins(30));
    // What narrows belongs to the keys that are handed out; the others live as short as STS allows.
    assert_eq!(second.policy.as_deref(), Some(POLICY));
    assert_eq!(first.policy, None);
    assert_eq!(first.duration, Duration::from_mins(15));
}

#[tokio::test]
async fn a_second_hop_without_its_external_id_is_denied() {
    let world = World::start().await;
    let identity = world.identity().with_second_hop(Some(RoleHop {
        role_arn: role(SECOND_ROLE),
        external_id: None,
        session_name: None,
        duration: None,
        tags: Vec::new(),
    }));
    let failure = world.exchange(identity, &ExchangeRequest::default()).await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::PermissionDenied);
    assert!(failure.message().contains(SECOND_ROLE), "{failure}");
    assert!(
        failure.help().contains("sts:AssumeRole") && failure.help().contains("external id"),
        "{}",
        failure.help()
    );
}

#[tokio::test]
async fn another_form_is_not_exchanged() {
    let world = World::start().await;
    let failure = world
        .sts()
        .exchange(&CredentialForm::InstanceProfile, &ExchangeRequest::default())
        .await
        .unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Internal);
    assert!(failure.message().contains("instance-profile"), "{failure}");
    assert_eq!(world.emulator.calls().total(), 0);
}
