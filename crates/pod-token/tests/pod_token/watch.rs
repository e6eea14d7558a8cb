//! The watch of an account in use.

use std::time::Duration;

use s3_credential_core::{Changes, CredentialSource as _};
use s3_credential_pod_token::{PodTokenSettings, PodTokenSource, RoleOrigin};
use s3_credential_testkit::kubernetes::{Rule, WatchEnd};
use s3_credential_testkit::server::Fault;

use tokio::task::yield_now;
use tokio::time::timeout;

use crate::world::{ANNOTATION, GET, OTHER_ROLE, ROLE, WATCH, World, failure, role, skip};

/// A pod that was served twice, so that its account is watched.
async fn watched() -> (World, PodTokenSource, Changes) {
    let world = World::with_role(ROLE).await;
    world.allow(Rule::new(["watch"], ["serviceaccounts"]));
    let source = world.source(PodTokenSettings::default());
    let changes = source.changes().unwrap();
    served_twice(&world, &source).await;
    world.kubernetes.called(WATCH, 1).await;
    (world, source, changes)
}

async fn served_twice(world: &World, source: &PodTokenSource) {
    for _ in 0..2 {
        assert_eq!(role(source, &world.context()).await, ROLE);
    }
}

/// Asks as republishes do until this many calls of an operation were made: the end of a watch
/// reaches the source in its own time.
async fn republished_until(world: &World, source: &PodTokenSource, operation: &str, calls: usize) {
    let asking = async {
        while world.kubernetes.calls().of(operation) < calls {
            assert_eq!(role(source, &world.context()).await, ROLE);
            yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), asking).await.expect("the call is made");
}

/// The event that is awaited must come; the time is only there so that a test that fails ends.
async fn changed(changes: &mut Changes) {
    timeout(Duration::from_secs(20), changes.changed()).await.expect("a change is reported");
}

#[tokio::test]
async fn a_changed_annotation_is_reported_and_known_without_a_read() {
    let (world, source, mut changes) = watched().await;
    world.annotate(&[(ANNOTATION, OTHER_ROLE)]);
    changed(&mut changes).await;
    assert_eq!(role(&source, &world.context()).await, OTHER_ROLE);
    world.annotate(&[]);
    changed(&mut changes).await;
    skip(&source, &world.context()).await;
    assert_eq!(world.gets(), 1);
}

#[tokio::test]
async fn a_changed_annotation_affects_the_volumes_of_its_service_account_alone() {
    let (world, _source, mut changes) = watched().await;
    world.annotate(&[(ANNOTATION, OTHER_ROLE)]);
    let change = timeout(Duration::from_secs(20), changes.changed()).await.unwrap();
    let context = world.context();
    let (namespace, name) = context.service_account().unwrap();
    assert!(change.affects(Some(&format!("{namespace}/{name}"))));
    for other in [format!("{namespace}/other"), format!("other/{name}")] {
        assert!(!change.affects(Some(&other)), "{other}");
    }
}

#[tokio::test]
async fn a_watched_account_is_not_read_again_while_the_watch_lives() {
    let (world, source, _changes) = watched().await;
    world.clock.advance(Duration::from_secs(179));
    served_twice(&world, &source).await;
    assert_eq!(world.gets(), 1);
    // Three minutes without a word: the connection may be dead.
    world.clock.advance(Duration::from_secs(1));
    served_twice(&world, &source).await;
    assert_eq!(world.gets(), 2);
    assert_eq!(world.kubernetes.calls().of(WATCH), 1);
}

#[tokio::test]
async fn a_change_of_other_fields_than_the_annotations_is_not_reported() {
    let (world, source, mut changes) = watched().await;
    world.annotate(&[(ANNOTATION, ROLE), ("example.com/note", "hello")]);
    world.annotate(&[(ANNOTATION, OTHER_ROLE)]);
    changed(&mut changes).await;
    // The first change would have been reported before; the second one is the current state.
    assert_eq!(role(&source, &world.context()).await, OTHER_ROLE);
}

#[tokio::test]
async fn an_account_that_is_deleted_is_reported_and_then_not_found() {
    let (world, source, mut changes) = watched().await;
    world.kubernetes.delete_service_account("apps", "web");
    changed(&mut changes).await;
    assert!(failure(&source, &world.context()).await.message().contains("does not exist"));
}

#[tokio::test]
async fn a_watch_that_ends_begins_again_after_a_read() {
    for end in [WatchEnd::Close, WatchEnd::Expire] {
        let (world, source, mut changes) = watched().await;
        world.kubernetes.end_watches(end);
        world.clock.advance(Duration::from_mins(1));
        // Until the source has noticed, it answers from memory; then it reads, and watches again.
        republished_until(&world, &source, WATCH, 2).await;
        assert_eq!(world.gets(), 2);
        world.annotate(&[(ANNOTATION, OTHER_ROLE)]);
        changed(&mut changes).await;
        assert_eq!(role(&source, &world.context()).await, OTHER_ROLE);
    }
}

#[tokio::test]
async fn where_rbac_forbids_the_watch_the_minute_stays() {
    let world = World::with_role(ROLE).await;
    let source = world.source(PodTokenSettings::default());
    served_twice(&world, &source).await;
    world.kubernetes.called(WATCH, 1).await;
    for minutes in 1..=5 {
        world.clock.advance(Duration::from_mins(1));
        republished_until(&world, &source, GET, 1 + minutes).await;
        served_twice(&world, &source).await;
        assert_eq!(world.gets(), 1 + minutes);
    }
    // It is not retried every minute without success.
    assert_eq!(world.kubernetes.calls().of(WATCH), 1);
}

#[tokio::test]
async fn an_api_without_watches_is_read_by_the_minute() {
    let world = World::with_role(ROLE).await;
    world.kubernetes.faults().always(WATCH, Fault::status(404, "no such thing"));
    let source = world.source(PodTokenSettings::default());
    served_twice(&world, &source).await;
    world.kubernetes.called(WATCH, 1).await;
    world.clock.advance(Duration::from_mins(1));
    republished_until(&world, &source, GET, 2).await;
}

#[tokio::test]
async fn a_watch_that_is_not_opened_in_time_is_given_up_and_tried_again() {
    let world = World::with_role(ROLE).await;
    world.allow(Rule::new(["watch"], ["serviceaccounts"]));
    world.kubernetes.faults().once(WATCH, Fault::hang());
    let operation_timeout = Duration::from_millis(200);
    let source =
        world.source(PodTokenSettings { operation_timeout, ..PodTokenSettings::default() });
    served_twice(&world, &source).await;
    world.kubernetes.called(WATCH, 1).await;
    world.clock.advance(Duration::from_mins(1));
    republished_until(&world, &source, WATCH, 2).await;
}

#[tokio::test]
async fn an_answer_that_is_older_than_an_event_of_the_watch_has_no_effect() {
    let (world, source, mut changes) = watched().await;
    let old = serde_json::json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "web", "namespace": "apps", "resourceVersion": "1", "annotations": {ANNOTATION: ROLE}},
    });
    let late = Fault::status(200, old.to_string()).delayed(Duration::from_millis(500));
    world.kubernetes.faults().once(GET, late);
    let new_pod = world.pod("pod-2");
    let (_, ()) = tokio::join!(role(&source, &new_pod), async {
        world.kubernetes.called(GET, 2).await;
        world.annotate(&[(ANNOTATION, OTHER_ROLE)]);
        changed(&mut changes).await;
    });
    assert_eq!(role(&source, &world.context()).await, OTHER_ROLE);
}

#[tokio::test]
async fn one_publish_alone_starts_no_watch() {
    let world = World::with_role(ROLE).await;
    world.allow(Rule::new(["watch"], ["serviceaccounts"]));
    let source = world.source(PodTokenSettings::default());
    role(&source, &world.pod("pod-1")).await;
    role(&source, &world.pod("pod-2")).await;
    assert_eq!(world.kubernetes.calls().total(), 2);
    assert_eq!(world.gets(), 2);
}

#[tokio::test]
async fn only_a_source_that_reads_annotations_reports_changes() {
    let world = World::start().await;
    assert!(world.source(PodTokenSettings::default()).changes().is_some());
    assert!(world.source_alone(PodTokenSettings::default()).changes().is_none());
    let settings =
        PodTokenSettings { roles: vec![RoleOrigin::Context], ..PodTokenSettings::default() };
    assert!(world.source(settings).changes().is_none());
}
