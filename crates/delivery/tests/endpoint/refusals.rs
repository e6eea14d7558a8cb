//! Clients that get no keys.

use std::sync::Arc;

use s3_credential_core::{ErrorKind, Secret};
use s3_credential_delivery::{Grants, new_token};

use crate::support::{Answer, Site, keys};

/// The answer without what differs between two equal ones.
fn without_date(mut answer: Answer) -> Answer {
    assert!(answer.headers.remove("date").is_some());
    answer
}

#[tokio::test]
async fn a_foreign_host_is_refused() {
    let site = Site::new();
    let volume = site.volume("v");
    let (port, other) = (volume.port, volume.port ^ 1);
    let authorization = format!("Authorization: {}\r\n", volume.token.expose());
    for hosts in [
        String::new(),
        "Host: \r\n".to_owned(),
        format!("Host: evil.example:{port}\r\n"),
        "Host: evil.example\r\n".to_owned(),
        format!("Host: 127.0.0.1:{other}\r\n"),
        "Host: 127.0.0.1:\r\n".to_owned(),
        format!("Host: 127.0.0.1.evil.example:{port}\r\n"),
        format!("Host: 127.0.0.2:{port}\r\n"),
        format!("Host: localhost.:{port}\r\n"),
        format!("Host: 127.0.0.1:{port}\r\nHost: evil.example\r\n"),
        format!("Host: 127.0.0.1:{port}\r\nHost: 127.0.0.1:{port}\r\n"),
    ] {
        let request = format!("GET {} HTTP/1.1\r\n{hosts}{authorization}\r\n", volume.path());
        let answer = site.ask(&request).await;
        assert_eq!(answer.status, 403, "{hosts}");
        assert!(!answer.body.contains("canary"));
    }
    let absolute =
        format!("GET http://evil.example{} HTTP/1.1\r\n{}\r\n", volume.path(), volume.headers());
    assert_eq!(site.ask(&absolute).await.status, 403);
}

#[tokio::test]
async fn a_wrong_token_is_refused() {
    let site = Site::new();
    let (volume, other) = (site.volume("v"), site.volume("other"));
    let host = format!("Host: 127.0.0.1:{}\r\n", volume.port);
    let token = volume.token.expose();
    for authorization in [
        String::new(),
        "Authorization: \r\n".to_owned(),
        format!("Authorization: {}\r\n", &token[..63]),
        format!("Authorization: {token}0\r\n"),
        format!("Authorization: {}\r\n", token.to_ascii_uppercase()),
        format!("Authorization: Bearer {token}\r\n"),
        format!("Authorization: {}\r\n", other.token.expose()),
        format!("Authorization: {token}\r\nAuthorization: {token}\r\n"),
        format!("Cookie: {token}\r\n"),
    ] {
        let request = format!("GET {} HTTP/1.1\r\n{host}{authorization}\r\n", volume.path());
        let answer = site.ask(&request).await;
        assert_eq!(answer.status, 401, "{authorization}");
        assert!(!answer.body.contains("canary"));
    }
}

#[tokio::test]
async fn which_volumes_there_are_is_not_revealed() {
    let site = Site::new();
    let (volume, other) = (site.volume("v"), site.volume("other"));
    let ask = async |id: &str| {
        let request = format!("GET /v1/volumes/{id} HTTP/1.1\r\n{}\r\n", other.headers());
        without_date(site.ask(&request).await)
    };
    let known = ask("v").await;
    assert_eq!(known.status, 401);
    assert_eq!(known, ask("unknown").await);
    assert!(site.grants.remove(&volume.id));
    assert_eq!(known, ask("v").await);
    assert_eq!(site.ask(&volume.request()).await.status, 401, "its own token is invalid now");
    assert!(!site.grants.remove(&volume.id));
}

#[tokio::test]
async fn there_is_no_other_path() {
    let site = Site::new();
    let volume = site.volume("v");
    let path = volume.path();
    for path in [
        "/".to_owned(),
        "/v1/volumes/".to_owned(),
        "/v1/volumes".to_owned(),
        format!("{path}/"),
        format!("{path}?x=y"),
        format!("{path}?"),
        format!("/{path}"),
        format!("/x{path}"),
        "/v1/volumes/./v".to_owned(),
        "/v1/volumes/../volumes/v".to_owned(),
        "/v1/volumes/%76".to_owned(),
        "/V1/volumes/v".to_owned(),
        "/v1/volumes/..".to_owned(),
        format!("/v1/volumes/{}", "v".repeat(256)),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\n{}\r\n", volume.headers());
        assert_eq!(site.ask(&request).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn only_get_is_answered() {
    let site = Site::new();
    let volume = site.volume("v");
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        let request = format!("{method} {} HTTP/1.1\r\n{}\r\n", volume.path(), volume.headers());
        let answer = site.ask(&request).await;
        assert_eq!((answer.status, answer.headers["allow"].as_str()), (405, "GET"), "{method}");
        assert!(!answer.headers.keys().any(|name| name.starts_with("access-control")));
    }
}

#[tokio::test]
async fn a_body_is_refused() {
    let site = Site::new();
    let volume = site.volume("v");
    for body in [
        "Content-Length: 5\r\n\r\nhello",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ] {
        let mut client = site.client().await;
        let request = format!("GET {} HTTP/1.1\r\n{}{body}", volume.path(), volume.headers());
        assert_eq!(client.ask(&request).await.status, 413);
    }
    let empty =
        format!("GET {} HTTP/1.1\r\n{}Content-Length: 0\r\n\r\n", volume.path(), volume.headers());
    assert_eq!(site.ask(&empty).await.status, 200);
}

#[tokio::test]
async fn an_oversized_head_is_refused() {
    let site = Site::new();
    let volume = site.volume("v");
    let large = format!(
        "GET {} HTTP/1.1\r\n{}X-Large: {}\r\n\r\n",
        volume.path(),
        volume.headers(),
        "x".repeat(8 << 10)
    );
    assert_eq!(site.ask(&large).await.status, 431);
    let many = format!(
        "GET {} HTTP/1.1\r\n{}{}\r\n",
        volume.path(),
        volume.headers(),
        "X: y\r\n".repeat(101)
    );
    assert_eq!(site.ask(&many).await.status, 431);
}

#[tokio::test]
async fn who_is_refused_is_disconnected() {
    let site = Site::new();
    let volume = site.volume("v");
    for request in [
        "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n".to_owned(),
        format!("GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", volume.path()),
        format!("POST {} HTTP/1.1\r\n{}\r\n", volume.path(), volume.headers()),
        "no HTTP at all\r\n\r\n".to_owned(),
    ] {
        let mut client = site.client().await;
        assert_ne!(client.ask(&request).await.status, 200);
        client.is_closed().await;
    }
}

#[test]
fn what_could_not_be_asked_for_is_not_granted() {
    let grants = Grants::default();
    let served = Arc::new(Arc::new(keys("v")));
    let token = new_token().unwrap();
    for id in ["", ".", "..", "a/b", "a b", "a%2fb", "a?b", "a#b", "ä", "a\n", &"v".repeat(256)] {
        let failure = grants.insert(id, token.clone(), Arc::clone(&served) as _).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Internal, "{id:?}");
    }
    for token in ["", "short", &format!("{}\n", "t".repeat(64)), &"ä".repeat(32)] {
        let failure = grants.insert("v", Secret::new(token), Arc::clone(&served) as _).unwrap_err();
        assert!(!failure.message().contains("short"), "{failure}");
    }
    assert!(!grants.remove("v"));
}

#[test]
fn no_two_tokens_are_the_same() {
    let tokens: std::collections::HashSet<String> =
        (0..1000).map(|_| new_token().unwrap().expose().to_owned()).collect();
    assert_eq!(tokens.len(), 1000);
    assert!(
        tokens
            .iter()
            .all(|token| token.len() == 64 && token.bytes().all(|b| b.is_ascii_hexdigit()))
    );
}
