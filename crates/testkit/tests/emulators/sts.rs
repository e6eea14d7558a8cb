use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sts::error::ProvideErrorMetadata as _;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError as SdkError;
use aws_sdk_sts::types::{AssumedRoleUser, PolicyDescriptorType, Tag};
use s3_credential_core::Secret;
use s3_credential_testkit::iam::{Role, Trust};
use s3_credential_testkit::jwt::Issuer;
use s3_credential_testkit::server::Fault;
use s3_credential_testkit::sts::StsError;
use serde_json::{Value, json};

use crate::http::{Answer, send};
use crate::world::{ROLE, World};

const OPERATION: &str = "AssumeRoleWithWebIdentity";

impl World {
    /// The call over the wire, with these parameters changed (`None`: left out).
    async fn assume(&self, changes: &[(&str, Option<&str>)]) -> Answer {
        let token = self.token();
        let mut parameters = BTreeMap::from([
            ("Action", OPERATION),
            ("Version", "2011-06-15"),
            ("RoleArn", ROLE),
            ("RoleSessionName", "volume-1"),
            ("WebIdentityToken", token.as_str()),
        ]);
        for (name, value) in changes {
            match value {
                Some(value) => parameters.insert(name, value),
                None => parameters.remove(name),
            };
        }
        let pairs: Vec<String> =
            parameters.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect();
        send(self.sts.address(), "POST /", &[], &pairs.join("&")).await.unwrap()
    }

    /// Status and code of the error that a token gets.
    async fn refused(&self, token: &str) -> (u16, String) {
        error(&self.assume(&[("WebIdentityToken", Some(token))]).await)
    }

    async fn refused_with(&self, name: &str, value: Option<&str>) -> (u16, String) {
        error(&self.assume(&[(name, value)]).await)
    }
}

fn escape(text: &str) -> String {
    let escaped: Vec<String> = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    escaped.concat()
}

fn element<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let (_, rest) = answer.body.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0)
}

fn error(answer: &Answer) -> (u16, String) {
    assert!(answer.body.starts_with("<ErrorResponse"), "{}", answer.body);
    (answer.status, element(answer, "Code").unwrap().to_owned())
}

fn bad(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn a_token_is_exchanged_for_keys_that_work() {
    let world = World::new().await;
    let request = world.client(None).assume_role_with_web_identity();
    let request =
        request.role_arn(ROLE).role_session_name("volume-1").web_identity_token(world.token());
    let output = request.send().await.unwrap();

    assert_eq!(output.subject_from_web_identity_token(), Some("system:serviceaccount:apps:web"));
    assert_eq!(output.audience(), Some("sts.amazonaws.com"));
    let provider = "arn:aws:iam::111122223333:oidc-provider/oidc.example.test/id/1";
    assert_eq!(output.provider(), Some(provider));
    let credentials = output.credentials().unwrap();
    assert_eq!(credentials.expiration().to_string(), "2026-11-23T21:00:00Z");

    let issued = world.sts.issued(credentials.access_key_id()).unwrap();
    assert_eq!(issued.secret_access_key.expose(), credentials.secret_access_key());
    assert_eq!(issued.session_token.as_ref().unwrap().expose(), credentials.session_token());
    let identity = world.who(&issued).await.unwrap();
    let arn = "arn:aws:sts::111122223333:assumed-role/web/volume-1";
    assert_eq!((identity.arn(), identity.account()), (Some(arn), Some("111122223333")));
    assert_eq!(
        identity.user_id(),
        output.assumed_role_user().map(AssumedRoleUser::assumed_role_id)
    );
    assert_eq!(
        (world.sts.calls().of(OPERATION), world.sts.calls().of("GetCallerIdentity")),
        (1, 1)
    );
}

#[tokio::test]
async fn what_a_session_was_asked_for_with_is_remembered() {
    let world = World::new().await;
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
    let arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    let tags = json!({"principal_tags": {"team": ["blue"], "env": "prod"}});
    let token =
        world.issuer.service_account("apps", "web").audience("x").audience("sts.amazonaws.com");
    let token = token.issued_at(world.now()).claim("https://aws.amazon.com/tags", tags).sign();
    let request = world.client(None).assume_role_with_web_identity();
    let request = request.role_arn(ROLE).role_session_name("volume-1").web_identity_token(token);
    let request =
        request.policy(policy).policy_arns(PolicyDescriptorType::builder().arn(arn).build());
    let output = request.duration_seconds(7200).send().await.unwrap();

    let issued = world.sts.issued(output.credentials().unwrap().access_key_id()).unwrap();
    let session = issued.session.unwrap();
    assert_eq!((session.operation.as_str(), session.role_arn.as_str()), (OPERATION, ROLE));
    assert_eq!(
        (session.session_name.as_str(), session.duration),
        ("volume-1", Duration::from_hours(2))
    );
    assert_eq!(session.policy.as_deref(), Some(policy));
    assert_eq!(session.policy_arns, [arn]);
    assert_eq!(
        session.tags.into_iter().collect::<Vec<_>>(),
        [("env", "prod"), ("team", "blue")].map(|(k, v)| (k.to_owned(), v.to_owned()))
    );
    assert_eq!(session.subject.as_deref(), Some("system:serviceaccount:apps:web"));
    assert_eq!(session.audience.as_deref(), Some("sts.amazonaws.com"));
}

#[tokio::test]
async fn keys_that_are_not_right_in_every_part_are_refused() {
    let world = World::new().await;
    world.assume(&[]).await;
    let good = world.iam.all_issued().remove(0);
    world.who(&good).await.unwrap();

    let mut keys = good.clone();
    keys.secret_access_key = Secret::new("wrong");
    assert_eq!(world.who(&keys).await.unwrap_err(), "SignatureDoesNotMatch");
    keys = good.clone();
    keys.session_token = Some(Secret::new("wrong"));
    assert_eq!(world.who(&keys).await.unwrap_err(), "InvalidClientTokenId");
    keys.session_token = None;
    assert_eq!(world.who(&keys).await.unwrap_err(), "InvalidClientTokenId");
    keys = good.clone();
    keys.access_key_id = "ASIAUNKNOWN".to_owned();
    assert_eq!(world.who(&keys).await.unwrap_err(), "InvalidClientTokenId");

    world.clock.advance(Duration::from_mins(59));
    world.who(&good).await.unwrap();
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(world.who(&good).await.unwrap_err(), "ExpiredToken");
    world.iam.revoke(&good.access_key_id);
    assert_eq!(world.who(&good).await.unwrap_err(), "InvalidClientTokenId");
}

#[tokio::test]
async fn long_term_keys_work_without_a_session() {
    let world = World::new().await;
    let user = world.iam.add_user("arn:aws:iam::111122223333:user/backup");
    world.clock.advance(Duration::from_hours(24 * 365));
    assert_eq!(
        world.who(&user).await.unwrap().arn(),
        Some("arn:aws:iam::111122223333:user/backup")
    );
}

#[tokio::test]
async fn a_call_that_needs_a_signature_is_refused_without() {
    let world = World::new().await;
    for (headers, expected) in [
        (vec![], bad(403, "MissingAuthenticationToken")),
        (vec![("authorization", "Bearer x")], bad(400, "IncompleteSignature")),
        (
            vec![("authorization", "AWS4-HMAC-SHA256 Credential=A/b, SignedHeaders=host")],
            bad(400, "IncompleteSignature"),
        ),
    ] {
        for action in ["GetCallerIdentity", "AssumeRole"] {
            let body = format!("Action={action}&Version=2011-06-15");
            let answer = send(world.sts.address(), "POST /", &headers, &body).await.unwrap();
            assert_eq!(error(&answer), expected);
        }
    }
}

#[tokio::test]
async fn a_token_that_does_not_verify_is_refused_with_the_documented_error() {
    let world = World::new().await;
    let token = || {
        world
            .issuer
            .service_account("apps", "web")
            .audience("sts.amazonaws.com")
            .issued_at(world.now())
    };
    let invalid = bad(400, "InvalidIdentityToken");

    assert_eq!(world.refused("a.b.c").await, invalid);
    assert_eq!(world.refused("opaque").await, invalid);
    assert_eq!(world.refused(&token().claim("iss", "https://unknown.test").sign()).await, invalid);
    assert_eq!(
        world.refused(&token().claim("aud", "pods.eks.amazonaws.com").sign()).await,
        invalid
    );
    assert_eq!(world.refused(&token().claim("aud", Value::Null).sign()).await, invalid);
    let foreign = Issuer::new(world.issuer.url()).sign(&token().claims());
    assert_eq!(world.refused(&foreign).await, invalid);
    let early = token().issued_at(world.now() + Duration::from_mins(1)).sign();
    assert_eq!(world.refused(&early).await, invalid);
    let token = token().sign();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let forged = format!("{message}.{}", signature.chars().rev().collect::<String>());
    assert_eq!(world.refused(&forged).await, invalid);
    assert_eq!(world.assume(&[("WebIdentityToken", Some(&token))]).await.status, 200);
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(world.refused(&token).await, bad(400, "ExpiredTokenException"));
    assert_eq!(world.iam.all_issued().len(), 1, "a refusal issues no keys");
}

#[tokio::test]
async fn only_a_trusted_subject_of_a_trusted_issuer_gets_the_role() {
    let world = World::new().await;
    let other = Issuer::new("https://oidc.example.test/id/2");
    world.iam.add_provider(other.verifier(), ["sts.amazonaws.com"]);
    let denied = bad(403, "AccessDenied");
    let sign = |issuer: &Issuer, namespace| {
        issuer
            .service_account(namespace, "web")
            .audience("sts.amazonaws.com")
            .issued_at(world.now())
            .sign()
    };
    assert_eq!(world.refused(&sign(&world.issuer, "other")).await, denied);
    assert_eq!(world.refused(&sign(&other, "apps")).await, denied);
    let unknown = "arn:aws:iam::111122223333:role/unknown";
    assert_eq!(world.refused_with("RoleArn", Some(unknown)).await, denied);
    world.iam.remove_role(ROLE);
    assert_eq!(world.refused_with("RoleArn", Some(ROLE)).await, denied);
    world.iam.add_role(Role::new(ROLE).trusting(Trust::web_identity_for(
        world.issuer.url(),
        "else",
        "*",
    )));
    assert_eq!(world.refused_with("RoleArn", Some(ROLE)).await, denied);
    world.iam.add_role(Role::new(ROLE).trusting(Trust::web_identity_for(
        world.issuer.url(),
        "sts.*",
        "*:app?:web",
    )));
    assert_eq!(world.assume(&[]).await.status, 200);
}

#[tokio::test]
async fn parameters_outside_their_limits_are_refused() {
    let world = World::new().await;
    let long = |length| "x".repeat(length);
    let refused = bad(400, "ValidationError");
    for (name, value) in [
        ("RoleArn", None),
        ("RoleArn", Some("arn:aws:iam::1".to_owned())),
        ("RoleArn", Some(long(30))),
        ("RoleSessionName", None),
        ("RoleSessionName", Some("x".to_owned())),
        ("RoleSessionName", Some(long(65))),
        ("RoleSessionName", Some("a b".to_owned())),
        ("RoleSessionName", Some("a/b".to_owned())),
        ("WebIdentityToken", None),
        ("WebIdentityToken", Some("abc".to_owned())),
        ("WebIdentityToken", Some(long(20001))),
        ("DurationSeconds", Some("899".to_owned())),
        ("DurationSeconds", Some("43201".to_owned())),
        ("DurationSeconds", Some("7201".to_owned())),
        ("DurationSeconds", Some("1h".to_owned())),
        ("Policy", Some(String::new())),
        ("Policy", Some(long(2049))),
        ("Policy", Some("{\"Sid\":\"日\"}".to_owned())),
        ("PolicyArns.member.1.arn", Some("AmazonS3FullAccess".to_owned())),
    ] {
        let answer = world.refused_with(name, value.as_deref()).await;
        assert_eq!(answer, refused, "{name}={value:?}");
    }
    for (name, value) in [
        ("RoleSessionName", long(64)),
        ("RoleSessionName", "_+=,.@-".to_owned()),
        ("DurationSeconds", "900".to_owned()),
        ("DurationSeconds", "7200".to_owned()),
    ] {
        assert_eq!(world.assume(&[(name, Some(&value))]).await.status, 200, "{name}={value}");
    }
}

#[tokio::test]
async fn an_error_never_repeats_the_token() {
    let world = World::new().await;
    for token in ["canary-token", "ca.na.ry", &"canary".repeat(4000)] {
        let answer = world.assume(&[("WebIdentityToken", Some(token))]).await;
        assert_eq!(answer.status, 400);
        assert!(!answer.body.contains("canary") && !answer.body.contains("ca.na.ry"));
    }
}

#[tokio::test]
async fn a_session_policy_must_be_one_and_fit() {
    let world = World::new().await;
    let malformed = bad(400, "MalformedPolicyDocument");
    let statement = |changes: Value| {
        let mut statement = json!({"Effect": "Allow", "Action": "s3:*", "Resource": ["*"]});
        statement.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
    };
    for policy in [
        "{".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        json!({"Statement": []}).to_string(),
        json!({"Version": "2020-01-01", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}).to_string(),
        statement(json!({"Effect": "Maybe"})),
        statement(json!({"Action": null})),
        statement(json!({"Action": []})),
        statement(json!({"Resource": 1})),
        statement(json!({"NotAction": "s3:*"})),
        statement(json!({"Principal": "*"})),
        statement(json!({"Condition": "no"})),
    ] {
        assert_eq!(world.refused_with("Policy", Some(&policy)).await, malformed, "{policy}");
    }
    assert_eq!(world.assume(&[("Policy", Some(&statement(json!({}))))]).await.status, 200);

    let plain = world.assume(&[]).await;
    assert_eq!(element(&plain, "PackedPolicySize"), None);
    // In the longest policy that the parameter takes, white space is free and text is not.
    let full = statement(json!({"Sid": "x".repeat(2048 - statement(json!({"Sid": ""})).len())}));
    assert_eq!(full.len(), 2048);
    let answer = world.assume(&[("Policy", Some(&full))]).await;
    assert_eq!(element(&answer, "PackedPolicySize"), Some("100"));
    let arn = Some("arn:aws:iam::aws:policy/ReadOnlyAccess");
    let answer = world.assume(&[("Policy", Some(&full)), ("PolicyArns.member.1.arn", arn)]).await;
    assert_eq!(error(&answer), bad(400, "PackedPolicyTooLarge"));
    let spaced = statement(json!({})) + &" ".repeat(1000);
    let answer = world.assume(&[("Policy", Some(&spaced))]).await;
    assert_eq!(element(&answer, "PackedPolicySize"), Some("5"));
}

#[tokio::test]
async fn at_most_ten_managed_policies_are_accepted() {
    let world = World::new().await;
    let names: Vec<String> = (1..=11).map(|n| format!("PolicyArns.member.{n}.arn")).collect();
    let arn = Some("arn:aws:iam::aws:policy/ReadOnlyAccess");
    let parameters: Vec<(&str, Option<&str>)> =
        names.iter().map(|name| (name.as_str(), arn)).collect();
    assert_eq!(world.assume(&parameters[..10]).await.status, 200);
    assert_eq!(error(&world.assume(&parameters).await), bad(400, "ValidationError"));
}

#[tokio::test]
async fn a_second_hop_needs_trust_and_is_an_hour_at_most() {
    const TARGET: &str = "arn:aws:iam::444455556666:role/data";
    let world = World::new().await;
    world.assume(&[]).await;
    let first = world.iam.all_issued().remove(0);
    let client = world.client(Some(&first));
    let hop = || client.assume_role().role_arn(TARGET).role_session_name("hop-2");
    let code = |error: &str| Some(error.to_owned());

    let denied = hop().send().await.unwrap_err();
    assert_eq!(denied.code(), Some("AccessDenied"));
    let trust = Trust::principal_with_external_id(ROLE, "tenant-1");
    world.iam.add_role(Role::new(TARGET).trusting(trust).max_session(Duration::from_hours(12)));
    for request in [hop(), hop().external_id("tenant-2")] {
        assert_eq!(
            request.send().await.unwrap_err().code().map(str::to_owned),
            code("AccessDenied")
        );
    }
    let long = hop().external_id("tenant-1").duration_seconds(3601).send().await.unwrap_err();
    assert_eq!(long.code(), Some("ValidationError"));

    let tag = Tag::builder().key("team").value("blue").build().unwrap();
    let output = hop().external_id("tenant-1").tags(tag).send().await.unwrap();
    let second = world.sts.issued(output.credentials().unwrap().access_key_id()).unwrap();
    let session = second.session.clone().unwrap();
    assert_eq!(session.caller, Some(first.access_key_id.clone()));
    assert_eq!(
        (session.external_id.as_deref(), session.tags["team"].as_str()),
        (Some("tenant-1"), "blue")
    );
    let arn = "arn:aws:sts::444455556666:assumed-role/data/hop-2";
    assert_eq!(world.who(&second).await.unwrap().arn(), Some(arn));
}

#[tokio::test]
async fn a_user_may_assume_a_role_for_longer() {
    const TARGET: &str = "arn:aws:iam::111122223333:role/data";
    let world = World::new().await;
    let user = world.iam.add_user("arn:aws:iam::111122223333:user/backup");
    let trust = Trust::principal("arn:aws:iam::111122223333:user/*");
    world.iam.add_role(Role::new(TARGET).trusting(trust).max_session(Duration::from_hours(12)));
    let request =
        world.client(Some(&user)).assume_role().role_arn(TARGET).role_session_name("backup");
    let output = request.duration_seconds(43200).send().await.unwrap();
    let expected = world.now() + Duration::from_hours(12);
    assert_eq!(output.credentials().unwrap().expiration().secs(), expected.as_second());
}

#[tokio::test]
async fn tags_have_limits() {
    let world = World::new().await;
    let user = world.iam.add_user("arn:aws:iam::111122223333:user/backup");
    world.iam.add_role(Role::new(ROLE).trusting(Trust::principal("*")));
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().unwrap();
    let many = |count: usize| (0..count).map(|n| tag(&format!("k{n}"), "v")).collect();
    for (tags, accepted) in [
        (many(50), true),
        (many(51), false),
        (vec![tag(&"k".repeat(128), &"v".repeat(256))], true),
        (vec![tag(&"k".repeat(129), "v")], false),
        (vec![tag("k", &"v".repeat(257))], false),
        (vec![tag("k*", "v")], false),
        (vec![tag("Key", "1"), tag("key", "2")], false),
    ] {
        let request =
            world.client(Some(&user)).assume_role().role_arn(ROLE).role_session_name("tagged");
        let result = request.set_tags(Some(tags)).send().await;
        assert_eq!(result.is_ok(), accepted, "{result:?}");
    }
}

#[tokio::test]
async fn every_documented_error_can_be_planned() {
    let world = World::new().await;
    for (planned, status, code) in [
        (StsError::expired_token(), 400, "ExpiredTokenException"),
        (
            StsError::invalid_identity_token("Couldn't retrieve verification key"),
            400,
            "InvalidIdentityToken",
        ),
        (StsError::idp_communication(), 400, "IDPCommunicationError"),
        (StsError::idp_rejected_claim(), 403, "IDPRejectedClaim"),
        (StsError::malformed_policy("no"), 400, "MalformedPolicyDocument"),
        (StsError::packed_policy_too_large(123), 400, "PackedPolicyTooLarge"),
        (StsError::region_disabled(), 403, "RegionDisabledException"),
        (StsError::access_denied("no"), 403, "AccessDenied"),
        (StsError::throttling(), 400, "Throttling"),
        (StsError::internal_failure(), 500, "InternalFailure"),
        (StsError::service_unavailable(), 503, "ServiceUnavailable"),
    ] {
        assert_eq!((planned.status(), planned.code()), (status, code));
        world.sts.faults().once(OPERATION, planned);
        let request = world.client(None).assume_role_with_web_identity();
        let request =
            request.role_arn(ROLE).role_session_name("volume-1").web_identity_token(world.token());
        let error = request.send().await.unwrap_err();
        assert_eq!(error.raw_response().unwrap().status().as_u16(), status);
        let error = error.into_service_error();
        assert_eq!(error.code(), Some(code));
        let modelled = !matches!(
            code,
            "AccessDenied" | "Throttling" | "InternalFailure" | "ServiceUnavailable"
        );
        assert_eq!(is_modelled(&error), modelled, "{error:?}");
    }
    assert_eq!(world.assume(&[]).await.status, 200);
}

fn is_modelled(error: &SdkError) -> bool {
    error.is_expired_token_exception()
        || error.is_idp_communication_error_exception()
        || error.is_idp_rejected_claim_exception()
        || error.is_invalid_identity_token_exception()
        || error.is_malformed_policy_document_exception()
        || error.is_packed_policy_too_large_exception()
        || error.is_region_disabled_exception()
}

#[tokio::test]
async fn a_malformed_success_can_still_carry_the_keys() {
    let world = World::new().await;
    world.sts.faults().once(OPERATION, Fault::rewrite(|body| body.replace("</Credentials>", "")));
    let answer = world.assume(&[]).await;
    let issued = world.iam.all_issued().remove(0);
    assert_eq!((answer.status, answer.is_whole()), (200, true));
    assert!(answer.body.contains(issued.secret_access_key.expose()));
    assert_eq!(element(&answer, "Credentials"), None);
}

#[tokio::test]
async fn an_unknown_action_is_an_error() {
    let world = World::new().await;
    assert_eq!(
        world.refused_with("Action", Some("GetSessionToken")).await,
        bad(400, "InvalidAction")
    );
    assert_eq!(world.refused_with("Action", None).await, bad(400, "MissingAction"));
    assert_eq!(world.sts.calls().of("GetSessionToken"), 1);
}

#[tokio::test]
async fn text_is_escaped_in_xml() {
    let world = World::new().await;
    world.iam.add_role(Role::new(ROLE).trusting(Trust::web_identity(world.issuer.url(), "*")));
    let token = world.issuer.service_account("apps", "web").audience("sts.amazonaws.com");
    let token = token.issued_at(world.now()).claim("sub", "<a & \"b\">").sign();
    let request = world.client(None).assume_role_with_web_identity();
    let request = request.role_arn(ROLE).role_session_name("volume-1").web_identity_token(token);
    assert_eq!(
        request.send().await.unwrap().subject_from_web_identity_token(),
        Some("<a & \"b\">")
    );
}

#[tokio::test]
async fn debug_shows_no_keys_and_no_tokens() {
    let world = World::new().await;
    world.assume(&[]).await;
    let issued = world.iam.all_issued().remove(0);
    let debug = format!("{:?} {issued:?} {:?}", world.sts, world.sts.requests());
    assert!(!debug.contains(issued.secret_access_key.expose()));
    assert!(!debug.contains(issued.session_token.as_ref().unwrap().expose()));
    assert!(!debug.contains(&world.token()[..40]));
}
