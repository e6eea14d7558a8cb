//! That a demo in which something goes wrong says so.

use s3_credential_core::{ErrorKind, names};
use s3_credential_testkit::scratch::Scratch;

use super::refusal::Refusal;
use super::scenes::{Renewal, Scene, scenes};
use super::world::World;
use super::{Played, page, refuse_secrets, story};

fn parent() -> Scratch {
    Scratch::new_in(std::env::temp_dir(), "s3cred-demo-test").unwrap()
}

/// Plays the scene of this volume, falsified by `change`.
async fn play(world: &World, volume: &str, change: impl FnOnce(&mut Scene)) -> Played {
    let scenes = scenes(world).unwrap().into_iter();
    let mut scene = scenes.into_iter().find(|scene| scene.volume == volume).unwrap();
    change(&mut scene);
    let story = Box::pin(story::play(world, &scene)).await;
    Played {
        write_path: world.write_path().into(),
        volumes: vec![(scene, story)],
        refusal: Refusal::default(),
    }
}

#[tokio::test]
async fn another_source_than_expected_is_a_failure() {
    let parent = parent();
    let world = World::start(parent.path()).await.unwrap();
    let played = play(&world, "secret-keys", |scene| scene.expected.source = "irsa").await;
    assert_eq!(
        played.failures(),
        ["secret-keys: this should be so and is not: the source is irsa"]
    );
    let error = played.verdict().unwrap_err();
    assert_eq!((error.kind(), crate::error::exit_status(error.code())), (ErrorKind::Internal, 1));
    assert!(page::page(&played).contains("failed secret-keys: "));
}

#[tokio::test]
async fn a_republish_without_a_renewal_is_a_failure() {
    let parent = parent();
    let world = World::start(parent.path()).await.unwrap();
    let played = play(&world, "driver-pod-identity", |scene| {
        scene.renewal = Renewal::Request(scene.request.clone());
    })
    .await;
    let failures = played.failures().join("\n");
    for failure in
        ["has replaced what was there", "a newer token lasts longer", "InvalidClientTokenId"]
    {
        assert!(failures.contains(failure), "{failures}");
    }
}

#[tokio::test]
async fn a_volume_that_cannot_be_published_is_a_failure_and_is_cleaned_up_all_the_same() {
    let parent = parent();
    let world = World::start(parent.path()).await.unwrap();
    let played = play(&world, "driver-irsa", |scene| {
        scene.environment = scene.environment.clone().with(names::AWS_ROLE_ARN, "");
    })
    .await;
    let failures = played.failures();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(failures[0].contains("AWS_ROLE_ARN is not"), "{failures:?}");
    assert!(played.volumes[0].1.unpublished.is_some());
}

#[tokio::test]
async fn what_would_show_a_secret_is_not_printed() {
    let parent = parent();
    let world = World::start(parent.path()).await.unwrap();
    let played = play(&world, "driver-secret", |_| ()).await;
    assert_eq!(played.failures(), Vec::<String>::new());
    let page = page::page(&played);
    refuse_secrets(&world, &page).unwrap();
    let secrets = world.secrets();
    assert!(secrets.len() > 10, "keys in use, keys that were replaced, and tokens");
    let debug = format!("{world:?}{played:?}");
    for secret in secrets {
        let failure = refuse_secrets(&world, &format!("{page}{}", secret.expose())).unwrap_err();
        assert!(!failure.message().contains(secret.expose()));
        assert!(!debug.contains(secret.expose()));
    }
}
