use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Client;
use kube::api::PostParams;
use kube::core::Status;
use s3_credential_testkit::clock::ManualClock;
use s3_credential_testkit::jwt::Issuer;
use s3_credential_testkit::kubernetes::{Kubernetes, Rule};
use serde_json::{Value, json};

use crate::{apps, client, cluster, refusal};

const POD_UID: &str = "0b9e7c2e-1111-4222-8333-444455556666";

async fn request(client: &Client, spec: Value) -> Result<TokenRequest, kube::Error> {
    let request = serde_json::from_value(json!({"metadata": {}, "spec": spec})).unwrap();
    let api = apps::<ServiceAccount>(client);
    api.create_token_request("web", &PostParams::default(), &request).await
}

async fn refused(client: &Client, spec: Value) -> Status {
    refusal(request(client, spec).await)
}

fn bound(name: &str, uid: &str) -> Value {
    let reference = json!({"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid});
    json!({"audiences": ["sts.amazonaws.com"], "boundObjectRef": reference})
}

#[tokio::test]
async fn a_requested_token_is_the_accounts_and_the_pods_and_verifies() {
    let now: Timestamp = "2026-11-23T20:00:00.5Z".parse().unwrap();
    let issuer = Issuer::new("https://oidc.example.test/id/1");
    let builder = Kubernetes::builder().issuer(issuer.clone()).clock(ManualClock::new(now));
    let kubernetes = builder.start().await.unwrap();
    let account = kubernetes.put_service_account("apps", "web", &[]);
    kubernetes.put_pod("apps", "web-0", POD_UID, "web");
    let client = client(&kubernetes, kubernetes.admin_token()).await;

    let mut spec = bound("web-0", POD_UID);
    spec["expirationSeconds"] = json!(600);
    let status = request(&client, spec).await.unwrap().status.unwrap();
    assert_eq!(status.expiration_timestamp.0.to_string(), "2026-11-23T20:10:00Z");

    let claims = issuer.verifier().verify(&status.token, now).unwrap();
    assert_eq!(claims.subject(), "system:serviceaccount:apps:web");
    assert_eq!(claims.audiences(), ["sts.amazonaws.com"]);
    assert_eq!(claims.expires_at(), Some("2026-11-23T20:10:00Z".parse().unwrap()));
    let kubernetes_claims = claims.get("kubernetes.io").unwrap();
    assert_eq!(kubernetes_claims["serviceaccount"]["uid"], account["metadata"]["uid"]);
    assert_eq!(kubernetes_claims["pod"], json!({"name": "web-0", "uid": POD_UID}));
    assert_eq!(kubernetes.calls().of("create serviceaccounts/token"), 1);
}

#[tokio::test]
async fn without_audience_and_ttl_a_token_is_for_the_server_for_an_hour() {
    let (kubernetes, admin) = cluster().await;
    kubernetes.put_service_account("apps", "web", &[]);
    let answer = request(&admin, json!({"audiences": []})).await.unwrap();
    assert_eq!(answer.spec.expiration_seconds, Some(3600));
    assert_eq!(answer.spec.audiences, [kubernetes.issuer().url()]);

    kubernetes.grant("system:serviceaccount:apps:web", Rule::new(["get"], ["serviceaccounts"]));
    let web = client(&kubernetes, &answer.status.unwrap().token).await;
    assert!(apps::<ServiceAccount>(&web).get("web").await.is_ok());
}

#[tokio::test]
async fn a_request_that_breaks_a_rule_is_refused_with_its_reason() {
    let (kubernetes, client) = cluster().await;
    let missing = refused(&client, json!({"audiences": []})).await;
    assert_eq!(missing.message, r#"serviceaccounts "web" not found"#);

    kubernetes.put_service_account("apps", "web", &[]);
    kubernetes.put_pod("apps", "web-0", POD_UID, "web");
    kubernetes.put_pod("apps", "other-0", POD_UID, "other");

    let short = refused(&client, json!({"audiences": [], "expirationSeconds": 599})).await;
    assert_eq!((short.code, short.reason.as_str()), (422, "Invalid"));
    assert_eq!(
        short.message,
        r#"TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes"#
    );
    let long =
        refused(&client, json!({"audiences": [], "expirationSeconds": (1_i64 << 32) + 1})).await;
    assert_eq!(long.code, 422);

    let gone = refused(&client, bound("web-1", "")).await;
    assert_eq!((gone.code, gone.message.as_str()), (404, r#"pods "web-1" not found"#));
    let foreign = refused(&client, bound("other-0", POD_UID)).await;
    assert_eq!(foreign.code, 400);
    assert!(foreign.message.contains("different serviceaccount name"), "{}", foreign.message);
    let replaced = refused(&client, bound("web-0", "another-uid")).await;
    assert_eq!((replaced.code, replaced.reason.as_str()), (409, "Conflict"));
    assert!(replaced.message.contains("does not match the UID in record"), "{}", replaced.message);
}

#[tokio::test]
async fn a_token_dies_with_its_time_its_pod_and_its_account() {
    let clock = ManualClock::new("2026-11-23T20:00:00Z".parse().unwrap());
    let kubernetes = Kubernetes::builder().clock(clock.clone()).start().await.unwrap();
    let admin = client(&kubernetes, kubernetes.admin_token()).await;
    kubernetes.grant("system:serviceaccount:apps:web", Rule::new(["get"], ["serviceaccounts"]));
    let put = || {
        kubernetes.put_service_account("apps", "web", &[]);
        kubernetes.put_pod("apps", "web-0", POD_UID, "web");
    };
    let fresh_token = async || {
        put();
        let mut spec = bound("web-0", POD_UID);
        spec["audiences"] = json!([]);
        let token = request(&admin, spec).await.unwrap().status.unwrap().token;
        client(&kubernetes, &token).await
    };
    let code = async |client: &Client| match apps::<ServiceAccount>(client).get("web").await {
        Ok(_) => 200,
        refused => refusal(refused).code,
    };

    let web = fresh_token().await;
    assert_eq!(code(&web).await, 200);
    kubernetes.delete_pod("apps", "web-0");
    assert_eq!(code(&web).await, 401);

    let web = fresh_token().await;
    kubernetes.delete_service_account("apps", "web");
    put();
    assert_eq!(code(&web).await, 401);

    let web = fresh_token().await;
    clock.advance(Duration::from_secs(3601));
    assert_eq!(code(&web).await, 401);

    let foreign = Issuer::new(kubernetes.issuer().url()).service_account("apps", "web");
    let foreign = foreign.audience(kubernetes.issuer().url()).sign();
    assert_eq!(code(&client(&kubernetes, &foreign).await).await, 401);
}

#[tokio::test]
async fn a_token_for_another_audience_is_refused_by_the_server() {
    let (kubernetes, admin) = cluster().await;
    kubernetes.put_service_account("apps", "web", &[]);
    let spec = json!({"audiences": ["sts.amazonaws.com"]});
    let token = request(&admin, spec).await.unwrap().status.unwrap().token;
    let web = client(&kubernetes, &token).await;
    assert_eq!(refusal(apps::<ServiceAccount>(&web).get("web").await).code, 401);
}
