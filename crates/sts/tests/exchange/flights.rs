//! Who shares a call.

use std::time::Duration;

use futures::future::join_all;
use s3_credential_core::{
    ErrorKind, ExchangeRequest, Failure, Keys, STS_AUDIENCE, SessionSettings,
};
use s3_credential_testkit::server::Fault;
use s3_credential_testkit::sts::StsError;

use crate::world::{OPERATION, World, exchange, identity};

/// A thousand exchanges of one identity, all of them begun before the first one can be answered.
async fn a_thousand(world: &World) -> Vec<Result<Keys, Failure>> {
    let (sts, identity, request) = (world.sts(), world.identity(), ExchangeRequest::default());
    join_all((0..1000).map(|_| exchange(&sts, identity.clone(), &request))).await
}

#[tokio::test]
async fn callers_of_one_moment_share_one_call_and_its_keys() {
    let world = World::start().await;
    let keys = a_thousand(&world).await;
    let issued = world.last_issued();
    for keys in keys {
        assert_eq!(keys.unwrap().access_key_id.expose(), issued.access_key_id);
    }
    assert_eq!(world.calls(), 1);
}

#[tokio::test]
async fn a_thousand_cold_callers_share_the_failure_of_at_most_four_calls() {
    let world = World::start().await;
    world.always(StsError::internal_failure());
    for failure in a_thousand(&world).await {
        assert_eq!(failure.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    assert_eq!(world.calls(), 4);
}

#[tokio::test]
async fn no_keys_are_kept_for_the_next_caller() {
    let world = World::start().await;
    let sts = world.sts();
    for _ in 0..2 {
        exchange(&sts, world.identity(), &ExchangeRequest::default()).await.unwrap();
    }
    assert_eq!(world.calls(), 2);
}

#[tokio::test]
async fn what_differs_in_anything_is_asked_for_on_its_own() {
    let world = World::start().await;
    // So that all are under way at once.
    world.always(Fault::latency(Duration::from_millis(20)));
    let sts = world.sts();
    let plain = world.identity();
    let named = plain.clone().with_session(SessionSettings {
        name: Some("other".to_owned()),
        ..SessionSettings::default()
    });
    let shorter =
        ExchangeRequest { duration: Some(Duration::from_mins(15)), ..ExchangeRequest::default() };
    let elsewhere = ExchangeRequest {
        region: Some("eu-north-1".parse().unwrap()),
        ..ExchangeRequest::default()
    };
    let default = ExchangeRequest::default();
    let (one, two, three, four) = tokio::join!(
        exchange(&sts, plain.clone(), &default),
        exchange(&sts, named, &default),
        exchange(&sts, plain.clone(), &shorter),
        exchange(&sts, plain, &elsewhere),
    );
    for keys in [one, two, three, four] {
        keys.unwrap();
    }
    assert_eq!(world.calls(), 4);
}

#[tokio::test]
async fn a_bad_token_neither_gets_the_keys_of_a_good_one_nor_spoils_it() {
    let world = World::start().await;
    world.always(Fault::latency(Duration::from_millis(20)));
    let sts = world.sts();
    let good = world.token();
    // The same header and claims, so the same subject, with a signature that does not fit.
    let (head, signature) = good.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    let expired = world
        .issuer
        .service_account("apps", "web")
        .audience(STS_AUDIENCE)
        .issued_at("2026-01-01T00:00:00Z".parse().unwrap())
        .sign();
    let request = ExchangeRequest::default();
    let (good, forged, expired) = tokio::join!(
        exchange(&sts, identity(&good), &request),
        exchange(&sts, identity(&forged), &request),
        exchange(&sts, identity(&expired), &request),
    );
    good.unwrap();
    assert_eq!(forged.unwrap_err().kind(), ErrorKind::Rejected);
    assert_eq!(expired.unwrap_err().kind(), ErrorKind::ExpiredToken);
}

#[tokio::test]
async fn a_caller_who_gives_up_leaves_the_call_to_the_others() {
    let world = World::start().await;
    world.emulator.faults().once(OPERATION, Fault::latency(Duration::from_millis(50)));
    let sts = world.sts();
    let identity = world.identity();
    let (impatient, patient) = (identity.clone(), identity);
    let first = tokio::spawn({
        let sts = sts.clone();
        async move { exchange(&sts, impatient, &ExchangeRequest::default()).await }
    });
    let second =
        tokio::spawn(async move { exchange(&sts, patient, &ExchangeRequest::default()).await });
    world.emulator.called(OPERATION, 1).await;
    first.abort();
    second.await.unwrap().unwrap();
    assert_eq!(world.calls(), 1);
}
