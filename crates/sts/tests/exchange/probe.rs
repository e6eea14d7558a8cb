use s3_credential_core::{Clock as _, ErrorKind, SystemClock};
use s3_credential_testkit::server::{Fault, Response};
use s3_credential_testkit::sts::StsError;

use crate::world::World;

#[tokio::test]
async fn an_sts_that_refuses_is_reached_and_sends_its_time() {
    let world = World::start().await;
    let now = SystemClock.now();
    let reached = world.sts().probe(None).await.unwrap();
    assert_eq!(reached.url, world.emulator.url());
    let at = reached.at.unwrap();
    assert!(at.duration_since(now).abs() < jiff::SignedDuration::from_mins(1), "{at} {now}");
    assert_eq!(world.calls(), 1);
}

#[tokio::test]
async fn no_credential_is_sent() {
    let world = World::start().await;
    world.sts().probe(None).await.unwrap();
    let request = world.emulator.requests().pop().unwrap();
    assert_eq!(request.header("authorization"), None);
    assert_eq!(request.form()["WebIdentityToken"], "not-a-token");
}

#[tokio::test]
async fn the_clock_of_sts_is_returned() {
    let world = World::start().await;
    world.always(Fault::answer(|_| {
        let error =
            "<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>";
        Response::xml(400, error).header("date", "Mon, 23 Nov 2026 20:00:00 GMT")
    }));
    let reached = world.sts().probe(None).await.unwrap();
    assert_eq!(reached.at.unwrap().to_string(), "2026-11-23T20:00:00Z");
}

#[tokio::test]
async fn an_sts_that_throttles_is_reached_and_one_that_fails_is_not() {
    let world = World::start().await;
    world.always(StsError::throttling());
    world.sts().probe(None).await.unwrap();
    world.emulator.faults().clear_all();
    world.always(StsError::internal_failure());
    let failure = world.sts().probe(None).await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Unavailable, "{failure}");
}

#[tokio::test]
async fn what_is_not_sts_is_reported() {
    let world = World::start().await;
    world.always(Fault::status(403, "<html>blocked by the proxy</html>"));
    let failure = world.sts().probe(None).await.unwrap_err();
    assert!(failure.message().contains("is not STS"), "{failure}");
    world.emulator.stop().await;
    let failure = world.sts().probe(None).await.unwrap_err();
    assert!(failure.message().contains("cannot be reached"), "{failure}");
}

#[tokio::test]
async fn without_region_and_endpoint_there_is_no_host_to_reach() {
    let mut world = World::start().await;
    world.settings.endpoint_url = None;
    assert_eq!(world.sts().probe(None).await.unwrap_err().kind(), ErrorKind::NoRegion);
}
