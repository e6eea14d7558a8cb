//! S3: what is allowed works, what is not is refused with the code of the real service.

use s3_credential_core::Keys;
use s3_credential_testkit::client::{S3Client, S3ClientError};
use s3_credential_testkit::iam::Issued;
use s3_credential_testkit::s3::{S3, S3Error};
use serde_json::json;

use crate::http;
use crate::world::{ROLE, World};

const USER: &str = "arn:aws:iam::111122223333:user/backup";

fn keys(issued: &Issued) -> Keys {
    let keys = Keys::new(issued.access_key_id.as_str(), issued.secret_access_key.clone());
    match &issued.session_token {
        Some(token) => keys.with_session_token(token.clone()),
        None => keys,
    }
}

/// Two buckets, and a user who may do everything with the first and list the second's `shared/`.
async fn stage() -> (World, S3, Issued) {
    let world = World::new().await;
    let s3 = S3::start(world.iam.clone()).await.unwrap();
    s3.put("first", "a/one", "1");
    s3.put("first", "a b/t+w&o", "2");
    s3.put("second", "shared/x", "3");
    s3.put("second", "private/y", "4");
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::first", "arn:aws:s3:::first/*"]},
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::second",
         "Condition": {"StringLike": {"s3:prefix": "shared/*"}}},
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": ["arn:aws:s3:::second/*", "arn:aws:s3:::third/*"]},
    ]});
    world.iam.add_policy(USER, &policy.to_string()).unwrap();
    let user = world.iam.add_user(USER);
    (world, s3, user)
}

fn refused<T: std::fmt::Debug>(answer: Result<T, S3ClientError>, code: &str) {
    assert_eq!(answer.unwrap_err(), S3ClientError::Refused(code.to_owned()));
}

#[tokio::test]
async fn objects_are_listed_written_read_and_deleted_under_any_key() {
    let (_world, s3, user) = stage().await;
    let client = S3Client::new(s3.url(), "eu-north-1", &keys(&user));
    assert_eq!(client.list("first", None).await.unwrap(), ["a b/t+w&o", "a/one"]);
    assert_eq!(client.list("first", Some("a b/")).await.unwrap(), ["a b/t+w&o"]);
    assert_eq!(client.get("first", "a b/t+w&o").await.unwrap(), "2");
    for key in ["*", "${*}?", "/", "//x", "a/../b", "%2F", "é 日", "x<y>\"z\""] {
        client.put("first", key, key).await.unwrap();
        assert_eq!(client.get("first", key).await.unwrap(), key);
        assert!(client.list("first", Some(key)).await.unwrap().contains(&key.to_owned()), "{key}");
        assert!(s3.keys("first").contains(&key.to_owned()), "{key}");
        client.delete("first", key).await.unwrap();
        refused(client.get("first", key).await, "NoSuchKey");
    }
    assert_eq!(s3.calls().of("PutObject"), 8);
}

#[tokio::test]
async fn what_no_policy_allows_is_denied() {
    let (_world, s3, user) = stage().await;
    let client = S3Client::new(s3.url(), "eu-north-1", &keys(&user));
    assert_eq!(client.list("second", Some("shared/")).await.unwrap(), ["shared/x"]);
    refused(client.list("second", None).await, "AccessDenied");
    refused(client.list("second", Some("")).await, "AccessDenied");
    refused(client.list("second", Some("private/")).await, "AccessDenied");
    refused(client.put("second", "shared/x", "new").await, "AccessDenied");
    refused(client.delete("second", "shared/x").await, "AccessDenied");
    refused(client.list("fourth", None).await, "AccessDenied");
    assert_eq!(s3.keys("second"), ["private/y", "shared/x"]);
}

#[tokio::test]
async fn a_missing_key_is_reported_only_to_those_who_may_list_it() {
    let (_world, s3, user) = stage().await;
    let client = S3Client::new(s3.url(), "eu-north-1", &keys(&user));
    refused(client.get("second", "shared/none").await, "NoSuchKey");
    refused(client.get("second", "private/none").await, "AccessDenied");
    refused(client.get("third", "x").await, "NoSuchBucket");
}

#[tokio::test]
async fn who_signed_is_verified() {
    let (world, s3, user) = stage().await;
    let client = |keys: &Keys| S3Client::new(s3.url(), "eu-north-1", keys);
    let good = keys(&user);
    refused(
        client(&Keys::new(good.access_key_id.clone(), "another")).get("first", "a/one").await,
        "SignatureDoesNotMatch",
    );
    refused(
        client(&Keys::new("AKIAUNKNOWN", good.secret_access_key.clone()))
            .get("first", "a/one")
            .await,
        "InvalidAccessKeyId",
    );
    let answer = http::get(s3.address(), "/first/a/one", &[]).await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("<Code>AccessDenied</Code>"));

    let session = world.iam.issue(s3_credential_testkit::iam::Session::new(
        "AssumeRole",
        ROLE,
        "s",
        std::time::Duration::from_mins(15),
    ));
    world.clock.advance(std::time::Duration::from_mins(16));
    refused(client(&keys(&session)).get("first", "a/one").await, "ExpiredToken");
}

#[tokio::test]
async fn what_is_not_modelled_is_an_error_and_never_success() {
    let (_world, s3, _user) = stage().await;
    for target in [
        "GET /",
        "GET /first",
        "GET /first?list-type=1",
        "GET /first?list-type=2&delimiter=/",
        "GET /first/a/one?acl",
        "PUT /first",
        "PUT /first/key?partNumber=1&uploadId=x",
        "POST /first/key?uploads",
        "DELETE /first",
    ] {
        let answer = http::send(s3.address(), target, &[], "").await.unwrap();
        assert_eq!(answer.status, 501, "{target}");
    }
}

#[tokio::test]
async fn faults_are_planned_by_operation() {
    let (_world, s3, user) = stage().await;
    let client = S3Client::new(s3.url(), "eu-north-1", &keys(&user));
    s3.faults().times("GetObject", 1, S3Error::slow_down());
    refused(client.get("first", "a/one").await, "SlowDown");
    assert_eq!(client.get("first", "a/one").await.unwrap(), "1");
}
