//! Slow, idle, greedy and many.

use std::time::Duration;

use s3_credential_delivery::EndpointSettings;

use crate::support::{Site, settings};

fn impatient() -> Site {
    Site::with(&EndpointSettings { header_timeout: Duration::from_millis(100), ..settings() })
}

#[tokio::test]
async fn who_says_nothing_is_disconnected() {
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
    // A header every few milliseconds: each is progress, the time for the whole head is not longer for it.
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
async fn where_all_are_trusted_the_next_is_disconnected() {
    let site = Site::with(&EndpointSettings { max_connections: 3, ..settings() });
    let volume = site.volume("v");
    let mut trusted = Vec::new();
    for _ in 0..3 {
        let mut client = site.client().await;
        assert_eq!(client.ask(&volume.request()).await.status, 200);
        trusted.push(client);
    }
    let mut one_too_many = site.client().await;
    one_too_many.say(&volume.request()).await;
    assert!(one_too_many.answer().await.is_none());
    for client in &mut trusted {
        assert_eq!(client.ask(&volume.request()).await.status, 200);
    }
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
async fn a_wrong_token_uses_nothing_of_a_volumes_rate() {
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
