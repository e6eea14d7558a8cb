//! What cannot be narrowed is refused, and no file is written.

use s3_credential_core::{
    Container, CredentialForm, Delivery, ErrorKind, Keys, PublishRequest, SessionSettings,
    SourceChain, WarningKind, source_fn,
};
use s3_credential_provider::{Provider, Scope};

use crate::world::{World, request};

async fn refused(
    world: &World,
    provider: &Provider,
    publish: PublishRequest,
    kind: ErrorKind,
    named: &str,
) {
    let error = world.publish(provider, publish).await.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(named), "{error}");
    assert!(!error.failure.help().is_empty());
    assert_eq!(world.written(), Vec::<std::ffi::OsString>::new());
    assert_eq!(world.sts.calls().total(), 0, "STS is not asked for what would be too much");
}

#[tokio::test]
async fn forms_that_no_policy_narrows_are_refused() {
    let world = World::start().await;
    let keys = Keys::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI");
    for (form, named) in [
        (CredentialForm::Keys(keys.clone()), "keys"),
        (CredentialForm::Keys(keys.with_session_token("session")), "keys"),
        (CredentialForm::Container(Container::new("http://127.0.0.1/keys", None)), "container"),
        (CredentialForm::InstanceProfile, "instance-profile"),
        (CredentialForm::Anonymous, "anonymous"),
    ] {
        let provider = world.provider_of(form);
        refused(&world, &provider, request("v", "b", &[]), ErrorKind::UnsupportedDelivery, named)
            .await;
    }
}

/// Their owner decides what they may do.
#[tokio::test]
async fn keys_of_the_volumes_own_secret_are_left_as_they_are_with_a_warning() {
    let world = World::start().await;
    for flags in [&[][..], &["prefix=a", "red-only"]] {
        let publish = request("v", "b", flags)
            .with_volume_context([("authenticationSource", "secret")])
            .with_secrets([("key_id", "AKIAIOSFODNN7EXAMPLE"), ("access_key", "wJalrXUtnFEMI")]);
        let provider = world.provider(Scope::Volume);
        let provided = world.publish(&provider, publish).await.unwrap();
        assert_eq!((provided.delivery, provided.identity.scope), (Delivery::Profile, None));
        assert!(provided.warnings.iter().any(|it| it.kind == WarningKind::Scope));
    }
}

/// The operator's keys would be the same for every volume.
#[tokio::test]
async fn other_keys_at_secret_level_are_refused() {
    let world = World::start().await;
    let keys = source_fn("shared-keys", |_context| async {
        Ok(CredentialForm::Keys(Keys::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI")))
    });
    let chain = SourceChain::first_try(keys);
    let provider = world.builder(Scope::Volume).secret_chain(chain).build().unwrap();
    let publish = request("v", "b", &[]).with_volume_context([("authenticationSource", "secret")]);
    refused(&world, &provider, publish, ErrorKind::UnsupportedDelivery, "keys").await;
}

#[tokio::test]
async fn a_volume_that_asks_for_no_credentials_is_refused() {
    let world = World::start().await;
    let publish = request("v", "b", &["no-sign-request"]);
    let provider = world.provider(Scope::Volume);
    refused(&world, &provider, publish, ErrorKind::UnsupportedDelivery, "anonymous").await;
}

#[tokio::test]
async fn the_exchange_is_not_left_to_mountpoint() {
    let world = World::start().await;
    let provider = world.builder(Scope::Volume).delivery(Delivery::Delegated).build().unwrap();
    refused(&world, &provider, request("v", "b", &[]), ErrorKind::UnsupportedDelivery, "delegated")
        .await;
}

#[tokio::test]
async fn temporary_keys_are_not_put_into_variables() {
    let world = World::start().await;
    let provider = world.builder(Scope::Volume).delivery(Delivery::Environment).build().unwrap();
    let error = world.publish(&provider, request("v", "b", &[])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsupportedDelivery);
    assert!(world.written().is_empty());
}

#[tokio::test]
async fn volumes_that_no_policy_can_be_drawn_for_are_refused_by_what_is_wrong() {
    let world = World::start().await;
    let provider = world.provider(Scope::Volume);
    let long = format!("prefix={}/", "p".repeat(1024));
    for (bucket, flag, named) in [
        ("", "", "names no bucket"),
        ("*", "", "`bucketName`"),
        ("b", "prefix=team", "`prefix` does not end in /"),
        ("b", "prefix=日/", "`prefix` holds characters"),
        ("b", &long, "`prefix` is too long"),
        ("b--euw1-az1--x-s3", "prefix=team/", "directory bucket"),
        ("b", "cache-xz c--euw1-az1--x-s3", "`--cache-xz`"),
    ] {
        refused(&world, &provider, request("v", bucket, &[flag]), ErrorKind::InvalidRequest, named)
            .await;
    }
}

#[tokio::test]
async fn a_source_with_session_policies_of_its_own_is_refused() {
    let world = World::start().await;
    let own = SessionSettings { policy: Some("{}".to_owned()), ..Default::default() };
    let managed = SessionSettings {
        policy_arns: vec!["arn:aws:iam::aws:policy/AmazonS3FullAccess".to_owned()],
        ..Default::default()
    };
    for (session, named) in [(own, "session policy"), (managed, "policy ARNs")] {
        let form = CredentialForm::WebIdentity(Box::new(world.identity(session)));
        let provider = world.provider_of(form);
        refused(&world, &provider, request("v", "b", &[]), ErrorKind::Misconfigured, named).await;
    }
}
