//! Many who ask one STS that limits the rate.

use std::time::Duration;

use s3_credential_core::{ErrorKind, ExchangeRequest};
use s3_credential_testkit::sts::StsError;
use tokio::task::JoinSet;

use crate::world::{World, exchange, identity};

const CALLERS: usize = 40;

#[tokio::test]
async fn who_comes_while_the_rate_is_limited_waits_for_a_turn_and_not_for_a_refusal() {
    let mut world = World::start().await;
    // The first pause is 5 s, and so no further call fits in.
    world.settings.initial_backoff = Duration::from_secs(1);
    world.settings.rate_limit_timeout = Duration::from_secs(2);
    world.always(StsError::throttling());
    let sts = world.sts();
    for _ in 0..CALLERS {
        let failure = exchange(&sts, world.identity(), &ExchangeRequest::default()).await;
        assert_eq!(failure.unwrap_err().kind(), ErrorKind::Throttled);
    }
    assert_eq!(world.calls(), 1, "the others know it from the first");
}

#[tokio::test]
async fn a_limit_that_has_passed_delays_no_call() {
    let world = World::start().await;
    world.emulator.faults().times("AssumeRoleWithWebIdentity", 2, StsError::throttling());
    let sts = world.sts();
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        let token = world
            .issuer
            .service_account("apps", "web")
            .audience("sts.amazonaws.com")
            .claim("jti", format!("{number}"))
            .sign();
        let sts = sts.clone();
        callers.spawn(async move {
            exchange(&sts, identity(&token), &ExchangeRequest::default()).await.unwrap()
        });
    }
    assert_eq!(callers.join_all().await.len(), CALLERS);
    assert_eq!(world.calls(), CALLERS + 2);
}
