//! Two volumes of one role cannot touch each other's data.

use std::fmt::Debug;

use s3_credential_core::{CredentialForm, Delivery, RoleHop, SessionSettings};
use s3_credential_provider::Scope;
use s3_credential_testkit::client::{S3Client, S3ClientError};

use crate::world::{SECOND_ROLE, World, request};

#[track_caller]
fn denied<T: Debug>(answer: Result<T, S3ClientError>) {
    let error = answer.unwrap_err();
    assert!(error.is_access_denied(), "{error}");
}

/// Everything that Mountpoint does, under this prefix.
async fn works(client: &S3Client, bucket: &str, prefix: &str) {
    let key = format!("{prefix}new");
    client.put(bucket, &key, "mine").await.unwrap();
    assert_eq!(client.get(bucket, &key).await.unwrap(), "mine");
    assert!(client.list(bucket, Some(prefix)).await.unwrap().contains(&key));
    client.delete(bucket, &key).await.unwrap();
}

/// Asserts that the client has no access to the prefix.
async fn is_shut_out(client: &S3Client, bucket: &str, prefix: &str) {
    let key = format!("{prefix}secret");
    denied(client.list(bucket, Some(prefix)).await);
    denied(client.list(bucket, None).await);
    denied(client.get(bucket, &key).await);
    denied(client.put(bucket, &key, "theirs").await);
    denied(client.delete(bucket, &key).await);
}

#[tokio::test]
async fn a_volume_reaches_its_bucket_and_no_other() {
    let world = World::start().await;
    world.s3.put("alpha", "secret", "a");
    world.s3.put("beta", "secret", "b");
    let provider = world.provider(Scope::Volume);
    let alpha = world.volume(&provider, "alpha", &[]).await;
    let beta = world.volume(&provider, "beta", &[]).await;
    works(&alpha, "alpha", "").await;
    works(&beta, "beta", "").await;
    is_shut_out(&alpha, "beta", "").await;
    is_shut_out(&beta, "alpha", "").await;
}

#[tokio::test]
async fn the_role_itself_would_reach_both() {
    let world = World::start().await;
    world.s3.put("alpha", "secret", "a");
    world.s3.put("beta", "secret", "b");
    let provider = world.builder(Scope::Role).delivery(Delivery::Profile).build().unwrap();
    let alpha = world.volume(&provider, "alpha", &["prefix=a/", "read-only"]).await;
    works(&alpha, "beta", "").await;
    assert_eq!(world.sessions()[0].policy, None);
}

#[tokio::test]
async fn volumes_of_one_bucket_reach_their_prefixes_only() {
    let world = World::start().await;
    let prefixes = [
        "team/",
        "team-b/",
        "team/inner/",
        "tea",
        "*/",
        "tea?/",
        "${aws:username}/",
        "$/",
        "a b+c/é/",
    ];
    for prefix in prefixes {
        world.s3.put("shared", &format!("{prefix}secret"), "s");
    }
    let provider = world.provider(Scope::Volume);
    for prefix in prefixes.into_iter().filter(|prefix| prefix.ends_with('/')) {
        let flag = format!("prefix={prefix}");
        let client = world.volume(&provider, "shared", &[&flag]).await;
        works(&client, "shared", prefix).await;
        for other in prefixes.into_iter().filter(|other| !other.starts_with(prefix)) {
            is_shut_out(&client, "shared", other).await;
        }
    }
}

#[tokio::test]
async fn the_keys_of_a_read_only_volume_cannot_write() {
    let world = World::start().await;
    world.s3.put("shared", "team/secret", "s");
    let provider = world.provider(Scope::Volume);
    let by_option = world.volume(&provider, "shared", &["prefix=team/", "read-only"]).await;
    let publish = request("by request", "shared", &["prefix=team/"]).read_only();
    let by_request = world.client(&world.publish(&provider, publish).await.unwrap()).await;
    for client in [by_option, by_request] {
        assert_eq!(client.get("shared", "team/secret").await.unwrap(), "s");
        assert_eq!(client.list("shared", Some("team/")).await.unwrap(), ["team/secret"]);
        denied(client.put("shared", "team/secret", "changed").await);
        denied(client.put("shared", "team/new", "new").await);
        denied(client.delete("shared", "team/secret").await);
    }
    assert_eq!(world.s3.keys("shared"), ["team/secret"]);
}

#[tokio::test]
async fn pods_of_one_role_are_kept_apart_too() {
    let world = World::start().await;
    for pod in ["blue", "green"] {
        world.s3.put("shared", &format!("{pod}/secret"), pod);
    }
    let provider = world.provider(Scope::Volume);
    let mut clients = Vec::new();
    for pod in ["blue", "green"] {
        let publish = world.of_pod(request(pod, "shared", &[&format!("prefix={pod}/")]), pod);
        let provided = world.publish(&provider, publish).await.unwrap();
        assert_eq!(provided.delivery, Delivery::Profile);
        clients.push(world.client(&provided).await);
    }
    works(&clients[0], "shared", "blue/").await;
    is_shut_out(&clients[0], "shared", "green/").await;
    works(&clients[1], "shared", "green/").await;
    is_shut_out(&clients[1], "shared", "blue/").await;
}

#[tokio::test]
async fn of_two_roles_the_one_whose_keys_are_handed_out_is_narrowed() {
    let world = World::start().await;
    world.s3.put("b", "team/x", "x");
    let hop = RoleHop {
        role_arn: SECOND_ROLE.parse().unwrap(),
        external_id: None,
        session_name: None,
        duration: None,
        tags: Vec::new(),
    };
    let identity = world.identity(SessionSettings::default()).with_second_hop(Some(hop));
    let provider = world.provider_of(CredentialForm::WebIdentity(Box::new(identity)));
    let client = world.volume(&provider, "b", &["prefix=team/"]).await;
    assert_eq!(client.get("b", "team/x").await.unwrap(), "x");
    assert!(client.list("b", None).await.unwrap_err().is_access_denied());
    let last = world.sessions().pop().unwrap();
    assert_eq!(last.role_arn, SECOND_ROLE);
    assert!(last.policy.is_some());
}
