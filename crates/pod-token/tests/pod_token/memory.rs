//! What is remembered of annotations, without a watch.

use std::time::Duration;

use futures::future::join_all;
use s3_credential_core::ErrorKind;
use s3_credential_pod_token::{PodTokenSettings, PodTokenSource};
use s3_credential_testkit::kubernetes::Failure as Planned;
use s3_credential_testkit::server::Fault;

use crate::world::{ANNOTATION, GET, OTHER_ROLE, ROLE, World, failure, role, skip};

fn unwatched() -> PodTokenSettings {
    PodTokenSettings { watch_annotations: false, ..PodTokenSettings::default() }
}

async fn world() -> (World, PodTokenSource) {
    let world = World::with_role(ROLE).await;
    let source = world.source(unwatched());
    (world, source)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn republishes_within_a_minute_cost_one_read() {
    let (world, source) = world().await;
    for _ in 0..59 {
        assert_eq!(role(&source, &world.context()).await, ROLE);
        world.clock.advance(seconds(1));
    }
    assert_eq!(world.gets(), 1);
    world.clock.advance(seconds(1));
    assert_eq!(role(&source, &world.context()).await, ROLE);
    assert_eq!(world.gets(), 2);
}

#[tokio::test]
async fn a_changed_annotation_reaches_a_live_pod_with_the_next_read() {
    let (world, source) = world().await;
    assert_eq!(role(&source, &world.context()).await, ROLE);
    world.annotate(&[(ANNOTATION, OTHER_ROLE)]);
    assert_eq!(role(&source, &world.context()).await, ROLE);
    world.clock.advance(seconds(60));
    assert_eq!(role(&source, &world.context()).await, OTHER_ROLE);
}

#[tokio::test]
async fn a_new_pod_gets_the_role_that_its_account_has_now() {
    let (world, source) = world().await;
    assert_eq!(role(&source, &world.pod("pod-1")).await, ROLE);
    world.annotate(&[(ANNOTATION, OTHER_ROLE)]);
    assert_eq!(role(&source, &world.pod("pod-2")).await, OTHER_ROLE);
    // What the new pod has learned is known to the old one.
    assert_eq!(role(&source, &world.pod("pod-1")).await, OTHER_ROLE);
    assert_eq!(world.gets(), 2);
}

#[tokio::test]
async fn a_missing_annotation_is_looked_for_again_soon() {
    let (world, source) = world().await;
    world.annotate(&[]);
    skip(&source, &world.context()).await;
    world.annotate(&[(ANNOTATION, ROLE)]);
    world.clock.advance(seconds(9));
    skip(&source, &world.context()).await;
    assert_eq!(world.gets(), 1);
    world.clock.advance(seconds(1));
    assert_eq!(role(&source, &world.context()).await, ROLE);
}

#[tokio::test]
async fn a_live_pod_survives_ten_minutes_without_the_api_and_a_new_one_does_not_start() {
    let (world, source) = world().await;
    assert_eq!(role(&source, &world.pod("pod-1")).await, ROLE);
    world.kubernetes.faults().always(GET, Planned::ServiceUnavailable);
    world.clock.advance(seconds(60));
    for _ in 0..9 {
        assert_eq!(role(&source, &world.pod("pod-1")).await, ROLE);
        assert_eq!(failure(&source, &world.pod("pod-2")).await.kind(), ErrorKind::Unavailable);
        world.clock.advance(seconds(59));
    }
    world.clock.advance(seconds(9));
    assert_eq!(failure(&source, &world.pod("pod-1")).await.kind(), ErrorKind::Unavailable);
    world.kubernetes.faults().clear_all();
    assert_eq!(role(&source, &world.pod("pod-1")).await, ROLE);
}

#[tokio::test]
async fn an_api_that_is_away_is_not_asked_at_every_republish() {
    let (world, source) = world().await;
    assert_eq!(role(&source, &world.context()).await, ROLE);
    world.kubernetes.faults().always(GET, Planned::ServiceUnavailable);
    world.clock.advance(seconds(60));
    for _ in 0..10 {
        assert_eq!(role(&source, &world.context()).await, ROLE);
    }
    assert_eq!(world.gets(), 2);
}

#[tokio::test]
async fn what_the_api_refuses_counts_at_once() {
    let (world, source) = world().await;
    assert_eq!(role(&source, &world.context()).await, ROLE);
    world.kubernetes.delete_service_account("apps", "web");
    world.clock.advance(seconds(60));
    assert_eq!(failure(&source, &world.context()).await.kind(), ErrorKind::NotFound);
    // And no old role is served after it.
    world.kubernetes.faults().always(GET, Planned::ServiceUnavailable);
    assert_eq!(failure(&source, &world.context()).await.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn callers_of_one_moment_share_one_read_and_its_failure() {
    let (world, source) = world().await;
    for (fault, expected) in [
        (Fault::latency(Duration::ZERO), Ok(())),
        (Fault::from(Planned::ServiceUnavailable), Err(ErrorKind::Unavailable)),
    ] {
        let before = world.gets();
        world.kubernetes.faults().always(GET, fault);
        // Each is a new pod, so none may be answered from memory; all begin before the first one
        // can be answered.
        let pods = (0..100).map(|n| world.pod(&format!("pod-{before}-{n}")));
        let callers = pods.map(|context| {
            let source = &source;
            async move {
                match expected {
                    Ok(()) => assert_eq!(role(source, &context).await, ROLE),
                    Err(kind) => assert_eq!(failure(source, &context).await.kind(), kind),
                }
            }
        });
        join_all(callers).await;
        assert_eq!(world.gets(), before + 1);
        world.kubernetes.faults().clear_all();
    }
}

#[tokio::test]
async fn a_pod_that_was_not_served_for_long_is_a_new_one() {
    let (world, source) = world().await;
    assert_eq!(role(&source, &world.pod("pod-1")).await, ROLE);
    world.clock.advance(seconds(601));
    assert_eq!(role(&source, &world.pod("pod-2")).await, ROLE);
    assert_eq!(role(&source, &world.pod("pod-1")).await, ROLE);
    assert_eq!(world.gets(), 3);
}
