//! Slow, idle, greedy and many.

use std::sync::Arc;
use std::time::Duration;

use s3_credential_delivery::{EndpointSettings, PushedKeys};

use crate::support::{Site, keys, now, settings};

fn impatient() -> Site {
    Site::with(&EndpointSettings { header_timeout: Duration::from_millis(100), ..settings() })
}

#[tokio::test]
async fn a_silent_client_is_disconnected() {
    let site = impatient();
    site.client().await.is_closed().await;
}

#[tokio::test]
async fn who_stops_in_the_middle_is_disconnected() {
    let site = impatient();
    let volume = site.volume("v");
    let mut client = site.client().await;
    client.say(&format!("GET {} HTTP/1.1\r\nHost: 127", volume.path())).await;
    client.is_closed().await;
}

#[tokio::test]
async fn who_is_slow_on_purpose_is_disconnected() {
    let site = impatient();
    let mut client = site.client().await;
    client.say("GET / HTTP/1.1\r\n").await;
    // A header every few milliseconds: each is progress, the time for the whole head is not longer
    // for it.
    let dribble = async {
        loop {
            client.say("X: y\r\n").await;
            let next = tokio::time::timeout(Duration::from_millis(10), client.is_closed()).await;
            if next.is_ok() {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), dribble).await.unwrap();
}

#[tokio::test]
async fn who_idles_after_an_answer_is_disconnected() {
    let site = impatient();
    let volume = site.volume("v");
    let mut client = site.client().await;
    assert_eq!(client.ask(&volume.request()).await.status, 200);
    client.is_closed().await;
}

#[tokio::test]
async fn a_flood_of_connections_keeps_no_volume_from_its_keys() {
    let site = Site::with(&EndpointSettings { max_connections: 8, ..settings() });
    let volume = site.volume("v");
    let mut trusted = site.client().await;
    assert_eq!(trusted.ask(&volume.request()).await.status, 200);
    let mut strangers = Vec::new();
    for _ in 0..50 {
        strangers.push(site.client().await);
        // Connections are accepted in their order, so that after this answer the stranger is there.
        assert_eq!(site.ask(&volume.request()).await.status, 200);
    }
    assert_eq!(trusted.ask(&volume.request()).await.status, 200, "who has shown a token stays");
    for stranger in &mut strangers[..40] {
        stranger.is_closed().await;
    }
}

#[tokio::test]
async fn where_all_have_shown_a_token_an_idle_connection_closes_for_the_next_one() {
    let site = Site::with(&EndpointSettings { max_connections: 3, ..settings() });
    let (crowd, other) = (site.volume("crowd"), site.volume("other"));
    let mut first = site.client().await;
    assert_eq!(first.ask(&other.request()).await.status, 200);
    let mut idle = Vec::new();
    for _ in 0..2 {
        let mut client = site.client().await;
        assert_eq!(client.ask(&crowd.request()).await.status, 200);
        idle.push(client);
    }
    let mut next = site.client().await;
    assert_eq!(next.ask(&other.request()).await.status, 200);
    idle[0].is_closed().await;
    assert_eq!(idle[1].ask(&crowd.request()).await.status, 200);
    assert_eq!(first.ask(&other.request()).await.status, 200);
}

#[tokio::test]
async fn a_volume_with_a_thousand_open_connections_shuts_no_other_volume_out() {
    let site = Site::new();
    let (crowd, other) = (site.volume("crowd"), site.volume("other"));
    let mut open = Vec::new();
    for _ in 0..1024 {
        let mut client = site.client().await;
        assert_eq!(client.ask(&crowd.request()).await.status, 200);
        open.push(client);
    }
    assert_eq!(site.ask(&other.request()).await.status, 200);
    assert_eq!(site.ask(&crowd.request()).await.status, 200);
    let kept = open.split_off(1024 - 60);
    for client in &mut open[..900] {
        client.is_closed().await;
    }
    for mut client in kept {
        assert_eq!(client.ask(&crowd.request()).await.status, 200, "within the volume's share");
    }
}

#[tokio::test]
async fn a_request_that_is_being_answered_is_not_cut_off_for_another_connection() {
    let site = Site::with(&EndpointSettings { max_connections_per_volume: 2, ..settings() });
    let volume = site.volume("v");
    volume.keys.hold(None);
    let mut waiting = Vec::new();
    for loads in 1..=2 {
        let mut client = site.client().await;
        client.say(&volume.request()).await;
        while volume.keys.loads() < loads {
            tokio::task::yield_now().await;
        }
        waiting.push(client);
    }
    let mut one_too_many = site.client().await;
    assert_eq!(one_too_many.ask(&volume.request()).await.status, 429, "it would wait too");
    one_too_many.is_closed().await;

    volume.keys.hold(Some(keys("held")));
    let mut one_too_many = site.client().await;
    assert_eq!(one_too_many.ask(&volume.request()).await.status, 200, "it need not wait");
    one_too_many.is_closed().await;

    volume.keys.upstream(Ok(keys("late")));
    for client in &mut waiting {
        assert_eq!(client.answer().await.unwrap().field("AccessKeyId"), "AKIAlate");
    }
}

#[tokio::test]
async fn new_keys_are_no_new_allowance() {
    let site = Site::with(&EndpointSettings { requests_per_second: 2, ..settings() });
    let volume = site.volume("v");
    let mut client = site.client().await;
    assert_eq!(client.ask(&volume.request()).await.status, 200);
    assert!(site.grants.update("v", Arc::new(Arc::new(keys("new")))));
    let answer = client.ask(&volume.request()).await;
    assert_eq!(answer.field("AccessKeyId"), "AKIAnew");
    site.grants.insert("v", volume.token.clone(), Arc::new(Arc::new(keys("newer")))).unwrap();
    assert_eq!(client.ask(&volume.request()).await.status, 429);
    assert!(!site.grants.update("unknown", Arc::new(Arc::new(keys("new")))));
}

#[tokio::test]
async fn pushed_keys_are_served_until_they_expire_and_a_request_waits_for_the_next() {
    let site = Site::new();
    let expires_at = now() + Duration::from_mins(1);
    let clock = Arc::new(site.clock.clone());
    let pushed = PushedKeys::new(keys("first").with_expires_at(expires_at), clock);
    let volume = site.volume("v");
    assert!(site.grants.update("v", Arc::clone(&pushed) as _));
    let mut client = site.client().await;
    assert_eq!(client.ask(&volume.request()).await.field("AccessKeyId"), "AKIAfirst");

    site.clock.advance(Duration::from_mins(2));
    client.say(&volume.request()).await;
    tokio::task::yield_now().await;
    pushed.push(keys("second").with_expires_at(expires_at + Duration::from_hours(1)));
    assert_eq!(client.answer().await.unwrap().field("AccessKeyId"), "AKIAsecond");
}

#[tokio::test]
async fn a_volume_that_has_gone_mad_is_limited_and_the_others_are_not() {
    let site = Site::with(&EndpointSettings { requests_per_second: 5, ..settings() });
    let (mad, other) = (site.volume("mad"), site.volume("other"));
    let mut client = site.client().await;
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(client.ask(&mad.request()).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429, 429]);
    assert_eq!(client.ask(&other.request()).await.status, 200);

    site.clock.advance(Duration::from_millis(400));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(client.ask(&mad.request()).await.status);
    }
    assert_eq!(statuses, [200, 200, 429, 429], "two fifths of a second later");
}

#[tokio::test]
async fn a_wrong_token_uses_no_part_of_a_volumes_rate() {
    let site = Site::with(&EndpointSettings { requests_per_second: 2, ..settings() });
    let volume = site.volume("v");
    for _ in 0..20 {
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {}\r\n\r\n",
            volume.path(),
            "0".repeat(64)
        );
        assert_eq!(site.ask(&request).await.status, 401);
    }
    assert_eq!(site.ask(&volume.request()).await.status, 200);
}
