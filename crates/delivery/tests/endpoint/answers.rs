//! Answers to clients with a valid token.

use std::time::Duration;

use s3_credential_core::{ErrorKind, Keys};
use s3_credential_delivery::EndpointSettings;
use serde_json::{Value, json};

use crate::support::{Site, keys, now, settings};

#[tokio::test]
async fn a_volume_gets_its_keys() {
    let site = Site::new();
    let volume = site.volume("s3cred@4a5d@photos");
    assert_eq!(
        site.endpoint.uri(&volume.id),
        format!("http://127.0.0.1:{}{}", site.port(), volume.path())
    );
    let answer = site.ask(&volume.request()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        serde_json::from_str::<Value>(&answer.body).unwrap(),
        json!({
            "AccessKeyId": "AKIAs3cred@4a5d@photos",
            "SecretAccessKey": "canary-secret-s3cred@4a5d@photos",
            "Token": "canary-session-s3cred@4a5d@photos",
            "Expiration": "2026-11-23T13:00:00Z",
        })
    );
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["content-type"], "application/json");
    assert!(!answer.headers.keys().any(|name| name.starts_with("access-control")));
}

#[tokio::test]
async fn each_volume_gets_its_own() {
    let site = Site::new();
    let volumes: Vec<_> = (0..10_000).map(|number| site.volume(&format!("v{number}"))).collect();
    let mut client = site.client().await;
    for volume in volumes.iter().step_by(501) {
        let answer = client.ask(&volume.request()).await;
        assert_eq!(answer.field("AccessKeyId"), format!("AKIA{}", volume.id));
    }
}

#[tokio::test]
async fn the_loopback_goes_by_several_names() {
    let site = Site::new();
    let volume = site.volume("v");
    let port = volume.port;
    let with_port = ["127.0.0.1", "localhost", "[::1]"].map(|host| format!("{host}:{port}"));
    // As aws-c-auth, and so Mountpoint, says it.
    let bare = ["127.0.0.1", "localhost", "[::1]"].map(str::to_owned);
    for host in with_port.into_iter().chain(bare) {
        let token = volume.token.expose();
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token}\r\n\r\n",
            volume.path()
        );
        assert_eq!(site.ask(&request).await.status, 200, "{host}");
    }
}

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let site = Site::new();
    let volume = site.volume("v");
    let mut client = site.client().await;
    for _ in 0..100 {
        assert_eq!(client.ask(&volume.request()).await.status, 200);
    }
    client.say(&volume.request().repeat(3)).await;
    for _ in 0..3 {
        assert_eq!(client.answer().await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn new_keys_are_served_from_the_next_request_on() {
    let site = Site::new();
    let volume = site.volume("v");
    let mut client = site.client().await;
    assert_eq!(client.ask(&volume.request()).await.field("AccessKeyId"), "AKIAv");
    volume.keys.hold(Some(keys("rotated").with_expires_at(now() + Duration::from_hours(2))));
    let answer = client.ask(&volume.request()).await;
    assert_eq!(answer.field("AccessKeyId"), "AKIArotated");
    assert_eq!(answer.field("Expiration"), "2026-11-23T14:00:00Z");
}

#[tokio::test]
async fn cached_keys_are_returned_whatever_happens_upstream() {
    let site = Site::new();
    let volume = site.volume("v");
    volume.keys.upstream(Err(ErrorKind::Unavailable));
    for _ in 0..100 {
        assert_eq!(site.ask(&volume.request()).await.status, 200);
    }
    assert_eq!(volume.keys.loads(), 0);
}

#[tokio::test]
async fn keys_that_are_not_there_are_loaded() {
    let site = Site::new();
    let volume = site.volume("v");
    volume.keys.hold(None);
    volume.keys.upstream(Ok(keys("fresh")));
    assert_eq!(site.ask(&volume.request()).await.field("AccessKeyId"), "AKIAfresh");
    assert_eq!(volume.keys.loads(), 1);
}

#[tokio::test]
async fn without_keys_the_answer_has_no_detail_and_the_connection_stays() {
    let site = Site::new();
    let volume = site.volume("v");
    volume.keys.hold(None);
    volume.keys.upstream(Err(ErrorKind::PermissionDenied));
    let mut client = site.client().await;
    let answer = client.ask(&volume.request()).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.body, r#"{"code":"ServiceUnavailable","message":"no credentials now"}"#);
    volume.keys.hold(Some(keys("back")));
    assert_eq!(client.ask(&volume.request()).await.field("AccessKeyId"), "AKIAback");
}

#[tokio::test]
async fn a_load_that_hangs_is_answered_in_time() {
    let settings = EndpointSettings { load_timeout: Duration::from_millis(50), ..settings() };
    let site = Site::with(&settings);
    let volume = site.volume("v");
    volume.keys.hold(None);
    assert_eq!(site.ask(&volume.request()).await.status, 503);
}

#[tokio::test]
async fn keys_without_an_expiry_are_served_with_one() {
    let site = Site::new();
    let volume = site.volume("v");
    volume.keys.hold(Some(Keys::new("AKIA", "secret")));
    let answer = site.ask(&volume.request()).await;
    assert_eq!(answer.field("Expiration"), "2026-11-23T13:00:00Z", "an hour from now");
    assert_eq!(answer.field("Token"), "", "clients demand the field");
}

#[tokio::test]
async fn any_key_is_valid_json() {
    let site = Site::new();
    let volume = site.volume("v");
    for text in ["a\"b\\c/d+e=", "\0\u{1}\u{1f}\u{7f}\n\r\t", "ä€😀", "", "\"\"\"\"", "\\u0041"]
    {
        volume.keys.hold(Some(Keys::new("AKIA", text).with_session_token(text)));
        let answer = site.ask(&volume.request()).await;
        assert_eq!(answer.field("SecretAccessKey"), text);
        assert_eq!(answer.field("Token"), text);
    }
}
