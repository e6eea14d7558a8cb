use std::time::Duration;

use jiff::Timestamp;
use s3_credential_testkit::jwt::{Issuer, JwtError, Verifier};
use serde_json::{Value, json};

const URL: &str = "https://oidc.example.test/id/1";

fn now() -> Timestamp {
    "2026-11-23T20:00:00Z".parse().unwrap()
}

#[test]
fn a_token_has_the_claims_of_the_api_servers() {
    let issuer = Issuer::new(URL);
    let builder = issuer.service_account("apps", "web").uid("sa-uid").pod("web-0", "pod-uid");
    let token = builder.audience("sts.amazonaws.com").issued_at(now()).sign();
    let claims = issuer.verifier().verify(&token, now()).unwrap();
    assert_eq!(claims.issuer(), URL);
    assert_eq!(claims.audiences(), ["sts.amazonaws.com"]);
    assert_eq!(claims.service_account(), Some(("apps", "web")));
    assert_eq!(claims.expires_at(), Some(now() + Duration::from_hours(1)));
    let expected = json!({
        "namespace": "apps",
        "pod": {"name": "web-0", "uid": "pod-uid"},
        "serviceaccount": {"name": "web", "uid": "sa-uid"},
    });
    assert_eq!(claims.get("kubernetes.io"), Some(&expected));
}

#[test]
fn claims_can_be_overridden_and_left_out() {
    let issuer = Issuer::new(URL);
    let builder = issuer.service_account("apps", "web").issued_at(now());
    let token =
        builder.claim("sub", "someone").claim("jti", Value::Null).claim("aud", "one").sign();
    let claims = issuer.verifier().verify(&token, now()).unwrap();
    assert_eq!((claims.subject(), claims.audiences()), ("someone", vec!["one"]));
    assert_eq!(claims.get("jti"), None);
}

#[test]
fn a_token_is_refused_outside_its_time() {
    let issuer = Issuer::new(URL);
    let token =
        issuer.service_account("apps", "web").issued_at(now()).ttl(Duration::from_mins(10)).sign();
    let at = |offset: i64| {
        issuer.verifier().verify(&token, now() + jiff::SignedDuration::from_secs(offset)).err()
    };
    assert_eq!(at(-1), Some(JwtError::NotYetValid));
    assert_eq!(at(0), None);
    assert_eq!(at(599), None);
    assert_eq!(at(600), Some(JwtError::Expired));
    let endless =
        issuer.service_account("apps", "web").claim("exp", Value::Null).issued_at(now()).sign();
    assert_eq!(issuer.verifier().verify(&endless, now()).err(), Some(JwtError::Expired));
}

#[test]
fn a_changed_or_foreign_token_is_refused() {
    let issuer = Issuer::new(URL);
    let verifier = issuer.verifier();
    let token = issuer.service_account("apps", "web").issued_at(now()).sign();
    let parts: Vec<&str> = token.split('.').collect();
    let other = issuer.service_account("apps", "admin").issued_at(now()).sign();
    let swapped = [parts[0], other.split('.').nth(1).unwrap(), parts[2]].join(".");
    assert_eq!(verifier.verify(&swapped, now()).err(), Some(JwtError::Signature));
    let same_url = Issuer::new(URL).service_account("apps", "web").issued_at(now()).sign();
    assert_eq!(verifier.verify(&same_url, now()).err(), Some(JwtError::UnknownKey));
    let same_key = issuer
        .service_account("apps", "web")
        .claim("iss", "https://evil.test")
        .issued_at(now())
        .sign();
    assert_eq!(verifier.verify(&same_key, now()).err(), Some(JwtError::Issuer));
    for malformed in [
        "",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        &token[1..],
        &format!("{token}.x"),
        &format!("{token}="),
        &format!(".{token}"),
    ] {
        assert_eq!(
            verifier.verify(malformed, now()).err(),
            Some(JwtError::Malformed),
            "{malformed}"
        );
    }
}

#[test]
fn an_algorithm_of_none_is_refused() {
    let issuer = Issuer::new(URL);
    let token = issuer.service_account("apps", "web").issued_at(now()).sign();
    let mut parts: Vec<&str> = token.split('.').collect();
    // {"alg":"none","kid":...} without a signature
    let header = base64::Engine::encode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        json!({"alg": "none", "kid": issuer.kid()}).to_string(),
    );
    parts[0] = &header;
    parts[2] = "";
    assert_eq!(issuer.verifier().verify(&parts.join("."), now()).err(), Some(JwtError::UnknownKey));
}

/// Signed by OpenSSL, as a real API server signs; the private key is gone.
#[test]
fn an_rs256_token_is_verified_by_its_key_set() {
    let jwks = json!({"keys": [{"kty": "RSA", "e": "AQAB", "kid": "k1", "n": "kjVaPiheSmoMjFUwTJ8iY8YBuIkALPr07zrx0Ewm_-vrvU3Ur_Lx_H2InrpUXj9qWRlAbBr-_UrpZncNZop1PUpCWcT8ej1qbL5Gd3_1KaMZf6j3dIWRH3cHlYiZ9EvwDq_TbNc9ol1JtVt5fr-cyXXAstEASyukhmgT_LDiXxvUU782Z2Lroxopa4u_FWli-OdqznX_jUJNibFkD6Ax6rrsm6YIyymByT6n6yu_epI1q3TP0Dj68U20CoIHrW_ZD2JvRJfg0nEfHJY4oYRuNB6rcqthFm3q-9kUGrVLiFg9ipRIx2rfFpotS4XqUbweANy-c0pLHWSisYLpZhCiDQ"}]});
    let token = "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0.eyJpc3MiOiAiaHR0cHM6Ly9rdWJlcm5ldGVzLmRlZmF1bHQuc3ZjIiwgImV4cCI6IDEzMDA4MTkzODAsICJzdWIiOiAic3lzdGVtOnNlcnZpY2VhY2NvdW50OmFwcHM6d2ViIn0.fmrRo2f2NR1xGHYv4ssDStVLg_VcAUPUzKhZR_dIDCoPZrd30ruMiQ5eIuzGZ0xl7Jq_MRcxboSfFaIMGlkyYQ901AOk8_e_fBDZxLX14LvRdbcQgcTKb3DEMMudBbWRzd9ptyjG9o1APKsdYA8dTEeDAFgUcPLHTeDi_7xjKjjClp3kPi1UqKe35EAJFW4Tacf4x1X2e4l3G_AYp2PW2uUcha9P4G1FuXInIqpuAnVaEmNa-2iHaovMbxv8gNIflEaNEN5Qa44yJ0VBRLKFVKOny0Nh957nsrul3EkoE-aNwwjTe36w8Oo7L8AWSciZcpS4-Xe4WDHdWCnzUUyGdA";
    let verifier = Verifier::from_jwks("https://kubernetes.default.svc", &jwks).unwrap();
    let before = Timestamp::from_second(1_300_819_379).unwrap();
    assert_eq!(verifier.verify(token, before).unwrap().service_account(), Some(("apps", "web")));
    assert_eq!(verifier.verify(token, now()).err(), Some(JwtError::Expired));
}

#[test]
fn discovery_names_issuer_and_key_set() {
    let discovery = Issuer::new(format!("{URL}/")).discovery();
    assert_eq!(discovery["issuer"], format!("{URL}/"));
    assert_eq!(discovery["jwks_uri"], format!("{URL}/openid/v1/jwks"));
}

#[test]
fn a_key_set_without_usable_keys_is_an_error() {
    assert_eq!(Verifier::from_jwks(URL, &json!({"keys": []})).err(), Some(JwtError::KeySet));
    assert_eq!(Verifier::from_jwks(URL, &json!(null)).err(), Some(JwtError::KeySet));
}
