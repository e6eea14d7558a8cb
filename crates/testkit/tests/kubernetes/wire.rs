use http::{Method, Request};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use s3_credential_testkit::jwt::Verifier;
use s3_credential_testkit::kubernetes::{Failure, Kubernetes};
use serde_json::{Value, json};

use crate::{client, cluster};

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

struct Answer {
    status: u16,
    retry_after: Option<String>,
    body: Value,
}

async fn send(
    client: &Client,
    method: Method,
    path: &str,
    content_type: &str,
    body: impl Into<Vec<u8>>,
) -> Answer {
    let request = Request::builder().method(method).uri(path).header("content-type", content_type);
    let response = client.send(request.body(Body::from(body.into())).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    let retry_after =
        head.headers.get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    let body = body.collect().await.unwrap().to_bytes();
    Answer {
        status: head.status.as_u16(),
        retry_after,
        body: serde_json::from_slice(&body).unwrap(),
    }
}

async fn get(client: &Client, path: &str) -> Answer {
    send(client, Method::GET, path, "application/json", "").await
}

#[tokio::test]
async fn every_refusal_is_a_status_object_of_its_own_code() {
    let (kubernetes, client) = cluster().await;
    kubernetes.put_service_account("apps", "web", &[]);
    let web = "/api/v1/namespaces/apps/serviceaccounts/web";
    let json = "application/json";
    for (method, path, content_type, code, reason) in [
        (Method::GET, "/api/v1/configmaps", json, 404, "NotFound"),
        (Method::GET, "/apis/apps/v1", json, 404, "NotFound"),
        (Method::GET, "/openapi/v2", json, 404, "NotFound"),
        (Method::GET, "/api/v1/a/b/c/d/e", json, 404, "NotFound"),
        (Method::POST, "/version", json, 405, "MethodNotAllowed"),
        (Method::DELETE, "/api/v1/namespaces/apps/secrets", json, 405, "MethodNotAllowed"),
        (Method::PUT, web, "application/vnd.kubernetes.protobuf", 415, "UnsupportedMediaType"),
        (Method::PATCH, web, "application/json-patch+json", 415, "UnsupportedMediaType"),
        (Method::PUT, web, json, 400, "BadRequest"),
    ] {
        let answer = send(&client, method.clone(), path, content_type, "[]").await;
        assert_eq!(answer.status, code, "{method} {path}");
        assert_eq!(answer.body["kind"], "Status", "{method} {path}");
        assert_eq!(answer.body["status"], "Failure", "{method} {path}");
        assert_eq!(
            (&answer.body["code"], &answer.body["reason"]),
            (&json!(code), &json!(reason)),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn a_dry_run_is_refused_rather_than_done() {
    let (kubernetes, client) = cluster().await;
    let object = json!({"metadata": {"name": "web"}});
    let path = "/api/v1/namespaces/default/serviceaccounts?dryRun=All";
    let answer = send(&client, Method::POST, path, "application/json", object.to_string()).await;
    assert_eq!(answer.status, 400);
    assert_eq!(kubernetes.object("serviceaccounts", "default", "web"), None);
}

#[tokio::test]
async fn throttling_says_when_to_come_back() {
    let (kubernetes, client) = cluster().await;
    kubernetes.faults().once("list nodes", Failure::TooManyRequests);
    let answer = get(&client, "/api/v1/nodes").await;
    assert_eq!((answer.status, answer.retry_after.as_deref()), (429, Some("1")));
    assert_eq!(answer.body["details"]["retryAfterSeconds"], 1);
}

#[tokio::test]
async fn the_issuers_keys_are_public() {
    let kubernetes = Kubernetes::start().await.unwrap();
    kubernetes.put_service_account("apps", "web", &[]);
    let anonymous = client(&kubernetes, "").await;
    let discovery = get(&anonymous, "/.well-known/openid-configuration").await;
    assert_eq!(discovery.body["issuer"], kubernetes.issuer().url());
    let keys = get(&anonymous, "/openid/v1/jwks").await.body;
    let verifier = Verifier::from_jwks(kubernetes.issuer().url(), &keys).unwrap();
    let token = kubernetes.issuer().service_account("apps", "web");
    assert!(
        verifier
            .verify(&token.sign(), token.expires_at() - std::time::Duration::from_secs(1))
            .is_ok()
    );
}

#[tokio::test]
async fn discovery_names_what_is_served() {
    let (_kubernetes, client) = cluster().await;
    assert_eq!(client.list_core_api_versions().await.unwrap().versions, ["v1"]);
    let core = client.list_core_api_resources("v1").await.unwrap().resources;
    let names: Vec<_> = core.iter().map(|resource| resource.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "events",
            "namespaces",
            "nodes",
            "pods",
            "secrets",
            "serviceaccounts",
            "serviceaccounts/token"
        ]
    );

    for group in client.list_api_groups().await.unwrap().groups {
        let version = group.preferred_version.unwrap().group_version;
        let resources = client.list_api_group_resources(&version).await.unwrap();
        assert_eq!(resources.group_version, version);
        assert!(!resources.resources.is_empty());
        let alone = get(&client, &format!("/apis/{}", group.name)).await;
        assert_eq!(
            (&alone.body["kind"], &alone.body["name"]),
            (&json!("APIGroup"), &json!(group.name))
        );
    }
}

/// What `kubectl create token web --duration 10m --audience a --audience b` of 1.32 sends.
const TOKEN_REQUEST: &[u8] = b"k8s\0\n(\n\x18authentication.k8s.io/v1\x12\x0cTokenRequest\x12#\n\x10\n\0\x12\0\x1a\0\"\0*\x002\x008\0B\0\x12\t\n\x01a\n\x01b \xd8\x04\x1a\x04\n\0\x12\0\x1a\0\"\0";
/// What `kubectl create secret generic keys --from-literal=key_id=AKIA` sends.
const SECRET: &[u8] = b"k8s\0\n\x0c\n\x02v1\x12\x06Secret\x12(\n\x14\n\x04keys\x12\0\x1a\0\"\0*\x002\x008\0B\0\x12\x0e\n\x06key_id\x12\x04AKIA\x1a\0\x1a\0\"\0";

#[tokio::test]
async fn protobuf_bodies_are_understood() {
    let (kubernetes, client) = cluster().await;
    kubernetes.put_service_account("default", "web", &[]);
    let tokens = "/api/v1/namespaces/default/serviceaccounts/web/token";
    let answer = send(&client, Method::POST, tokens, PROTOBUF, TOKEN_REQUEST).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.body["spec"], json!({"audiences": ["a", "b"], "expirationSeconds": 600}));

    let secrets = "/api/v1/namespaces/default/secrets";
    let answer = send(&client, Method::POST, secrets, PROTOBUF, SECRET).await;
    assert_eq!(answer.status, 201);
    let stored = kubernetes.object("secrets", "default", "keys").unwrap();
    assert_eq!(stored["data"], json!({"key_id": "QUtJQQ=="}));
}

#[tokio::test]
async fn a_protobuf_body_that_is_cut_or_of_another_kind_is_refused() {
    let (kubernetes, client) = cluster().await;
    kubernetes.put_service_account("default", "web", &[]);
    let tokens = "/api/v1/namespaces/default/serviceaccounts/web/token";
    // The last four bytes are two empty fields of the envelope.
    for length in 0..TOKEN_REQUEST.len() - 4 {
        let answer = send(&client, Method::POST, tokens, PROTOBUF, &TOKEN_REQUEST[..length]).await;
        assert_eq!(answer.status, 415, "{length} bytes");
    }
    let mut other = TOKEN_REQUEST.to_vec();
    let kind = other.windows(12).position(|window| window == b"TokenRequest").unwrap();
    other[kind] = b'B';
    let answer = send(&client, Method::POST, tokens, PROTOBUF, other).await;
    assert_eq!(answer.status, 415);
}
