//! A lease keeps the scope that it was published with: a running Mountpoint was started for its
//! prefix, and cannot be moved.

use s3_credential_core::Delivery;
use s3_credential_provider::{Event, Scope};

use crate::world::{World, request};

#[tokio::test]
async fn every_further_exchange_has_the_same_policy() {
    let world = World::start().await;
    for _ in 0..2 {
        // Two runs of the driver, with two publishes each.
        let provider = world.provider(Scope::Volume);
        for _ in 0..2 {
            let publish = request("v", "b", &["prefix=team/", "read-only"]);
            let provided = world.publish(&provider, publish).await.unwrap();
            assert!(!provided.identity_changed);
        }
    }
    let policies: Vec<_> = world.sessions().into_iter().map(|session| session.policy).collect();
    assert!(policies[0].as_ref().unwrap().contains("arn:aws:s3:::b/team/*"));
    assert!(policies.iter().all(|policy| *policy == policies[0]), "{policies:?}");
}

#[tokio::test]
async fn a_volume_that_changes_its_prefix_keeps_the_old_one_until_it_is_mounted_again() {
    let world = World::start().await;
    world.s3.put("b", "old/x", "old");
    world.s3.put("b", "new/x", "new");
    let provider = world.provider(Scope::Volume);
    let mut events = provider.events();
    world.publish(&provider, request("v", "b", &["prefix=old/"])).await.unwrap();
    let provided = world.publish(&provider, request("v", "b", &["prefix=new/"])).await.unwrap();
    assert!(provided.identity_changed);
    assert!(matches!(events.try_recv(), Ok(Event::IdentityChanged { .. })));
    let client = world.client(&provided).await;
    assert_eq!(client.get("b", "old/x").await.unwrap(), "old");
    assert!(client.get("b", "new/x").await.unwrap_err().is_access_denied());
}

#[tokio::test]
async fn a_volume_that_cannot_be_scoped_any_more_keeps_what_it_has() {
    let world = World::start().await;
    world.s3.put("b", "team/x", "x");
    let provider = world.provider(Scope::Volume);
    world.publish(&provider, request("v", "b", &["prefix=team/"])).await.unwrap();
    let provided = world.publish(&provider, request("v", "b", &["prefix=team"])).await.unwrap();
    let client = world.client(&provided).await;
    assert_eq!(client.get("b", "team/x").await.unwrap(), "x");
    assert!(client.list("b", None).await.unwrap_err().is_access_denied());
}

#[tokio::test]
async fn a_changed_configuration_moves_no_running_mount() {
    let world = World::start().await;
    let publish = || request("narrow", "b", &["prefix=team/"]);
    let wide = || request("wide", "b", &["prefix=team/"]);
    world.publish(&world.provider(Scope::Volume), publish()).await.unwrap();
    let role = world.builder(Scope::Role).delivery(Delivery::Delegated).build().unwrap();
    let provided = world.publish(&role, publish()).await.unwrap();
    assert!(provided.identity_changed);
    assert_eq!(provided.delivery, Delivery::Profile);
    assert!(world.sessions().iter().all(|session| session.policy.is_some()), "never widened");

    assert_eq!(world.publish(&role, wide()).await.unwrap().delivery, Delivery::Delegated);
    let provided = world.publish(&world.provider(Scope::Volume), wide()).await.unwrap();
    assert!(provided.identity_changed);
    assert_eq!(provided.delivery, Delivery::Delegated);
    assert!(provided.environment.contains_key("AWS_WEB_IDENTITY_TOKEN_FILE"));
}

#[tokio::test]
async fn keys_for_the_driver_itself_are_narrowed_too() {
    let world = World::start().await;
    let provider = world.provider(Scope::Volume);
    let target = s3_credential_core::MountTarget::new("/nowhere");
    let context = provider.context(request("v", "b", &["prefix=team/"]), target).unwrap();
    provider.credentials(&context).await.unwrap();
    assert!(world.sessions()[0].policy.as_ref().unwrap().contains("arn:aws:s3:::b/team/*"));
}
