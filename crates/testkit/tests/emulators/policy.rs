//! The evaluation of policies: what IAM's user guide says of each element.

use std::time::Duration;

use s3_credential_testkit::iam::{Access, Iam, Policy, PolicyError, Session};
use serde_json::{Value, json};

fn policy(statements: Value) -> Result<Policy, PolicyError> {
    let mut document = json!({"Version": "2012-10-17"});
    document["Statement"] = statements;
    Policy::parse(&document.to_string())
}

fn allows(statement: Value, access: &Access<'_>) -> bool {
    policy(statement).unwrap().allows(access)
}

fn on(resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource})
}

fn get(resource: &str) -> Access<'_> {
    Access::new("s3:GetObject", resource)
}

#[test]
fn the_default_is_to_deny() {
    assert!(!policy(json!([])).unwrap().allows(&get("arn:aws:s3:::b/k")));
    assert!(allows(on("*"), &get("arn:aws:s3:::b/k")));
    assert!(!allows(on("*"), &Access::new("s3:PutObject", "arn:aws:s3:::b/k")));
}

#[test]
fn a_deny_goes_before_every_allow() {
    let deny = json!({"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::b/private/*"});
    for statements in [json!([on("*"), deny]), json!([deny, on("*")])] {
        let policy = policy(statements).unwrap();
        assert!(policy.allows(&get("arn:aws:s3:::b/public/k")));
        assert!(!policy.allows(&get("arn:aws:s3:::b/private/k")));
        assert!(policy.denies(&get("arn:aws:s3:::b/private/k")));
    }
}

#[test]
fn actions_know_wildcards_and_no_case() {
    for (action, access, allowed) in [
        ("s3:*", "s3:GetObject", true),
        ("*", "kms:Decrypt", true),
        ("s3:get*", "s3:GetObject", true),
        ("s3:Get?bject", "s3:GetObject", true),
        ("s3:Get", "s3:GetObject", false),
        ("s3:*", "s3express:CreateSession", false),
        ("s3:${*}", "s3:*", false),
    ] {
        let statement = json!({"Effect": "Allow", "Action": action, "Resource": "*"});
        let access = Access::new(access, "arn:aws:s3:::b/k");
        assert_eq!(allows(statement, &access), allowed, "{action} {access:?}");
    }
}

#[test]
fn a_wildcard_stays_in_its_part_of_an_arn() {
    for (pattern, arn, allowed) in [
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/a/deep/key", true),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/", true),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b", false),
        ("arn:aws:s3:::b/a*c", "arn:aws:s3:::b/abbc", true),
        ("arn:aws:s3:::b/a*c", "arn:aws:s3:::b/abcd", false),
        ("arn:aws:s3:::b/?", "arn:aws:s3:::b/é", true),
        ("arn:aws:s3:::b/?", "arn:aws:s3:::b/", false),
        ("arn:aws:s3:::b/k", "arn:aws:s3:::b/K", false),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/with:colon", true),
        ("arn:aws:s3express:*:*:bucket/b", "arn:aws:s3express:eu-west-1:1:bucket/b", true),
        ("arn:aws:s3express:*:bucket/b:*:x", "arn:aws:s3express:eu:1:bucket/b", false),
        ("arn:aws:*:::b", "arn:aws:s3:eu:1:b", false),
    ] {
        assert_eq!(allows(on(pattern), &get(arn)), allowed, "{pattern} {arn}");
    }
}

#[test]
fn special_characters_are_themselves_as_variables() {
    for (pattern, key, allowed) in [
        ("${*}", "*", true),
        ("${*}", "x", false),
        ("${?}", "?", true),
        ("${?}", "x", false),
        ("${$}{*}", "${x}", true),
        ("${$}", "$", true),
        ("$", "$", true),
        ("a${*}*", "a*b", true),
        ("a${*}*", "ab", false),
    ] {
        let resource = format!("arn:aws:s3:::b/{pattern}");
        assert_eq!(
            allows(on(&resource), &get(&format!("arn:aws:s3:::b/{key}"))),
            allowed,
            "{pattern} {key}"
        );
    }
    assert!(matches!(policy(on("arn:aws:s3:::b/${aws:username}/*")), Err(PolicyError::Unknown(_))));
}

#[test]
fn every_condition_must_be_met_by_one_of_its_values() {
    let statement = |condition: Value| json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*", "Condition": condition});
    let list = Access::new("s3:ListBucket", "arn:aws:s3:::b");
    let with = |prefix| list.clone().with("s3:prefix", prefix);
    let like = statement(json!({"StringLike": {"s3:prefix": ["a/*", "b/?"]}}));
    assert!(allows(like.clone(), &with("a/")) && allows(like.clone(), &with("b/c")));
    assert!(!allows(like.clone(), &with("a")) && !allows(like.clone(), &with("b/cd")));
    assert!(!allows(like, &list), "a key that the request does not have");
    let equals = statement(json!({"StringEquals": {"S3:Prefix": "a/*"}}));
    assert!(allows(equals.clone(), &with("a/*")) && !allows(equals, &with("a/b")));
    let both = statement(json!({"StringLike": {"s3:prefix": "a/*", "s3:delimiter": "/"}}));
    assert!(!allows(both.clone(), &with("a/")));
    assert!(allows(both, &with("a/").with("s3:delimiter", "/")));
}

#[test]
fn what_is_not_evaluated_is_refused_when_it_is_read() {
    let statement = on("*");
    let with = |name: &str, value: Value| {
        let mut statement = statement.clone();
        statement[name] = value;
        policy(statement).unwrap_err()
    };
    for error in [
        with("NotAction", json!("s3:*")),
        with("NotResource", json!("*")),
        with("Principal", json!("*")),
        with("Condition", json!({"StringNotLike": {"s3:prefix": "a"}})),
        with("Condition", json!({"StringLikeIfExists": {"s3:prefix": "a"}})),
    ] {
        assert!(matches!(error, PolicyError::Unknown(_)), "{error}");
    }
    for error in [
        with("Effect", json!("allow")),
        with("Action", json!(7)),
        with("Resource", json!("bucket/*")),
        with("Condition", json!("x")),
    ] {
        assert!(matches!(error, PolicyError::Malformed(_)), "{error}");
    }
    assert!(matches!(Policy::parse("{"), Err(PolicyError::Malformed(_))));
    let old = json!({"Statement": [statement]}).to_string();
    assert!(matches!(Policy::parse(&old), Err(PolicyError::Unknown(_))));
}

#[test]
fn a_session_may_do_what_both_its_role_and_its_own_policy_allow() {
    const ROLE: &str = "arn:aws:iam::111122223333:role/team/data";
    let iam = Iam::default();
    let document =
        |resource: &str| json!({"Version": "2012-10-17", "Statement": [on(resource)]}).to_string();
    let session = Session::new("AssumeRole", ROLE, "s", Duration::from_hours(1));
    let plain = iam.issue(session.clone());
    let narrowed =
        iam.issue(Session { policy: Some(document("arn:aws:s3:::*/a/*")), ..session.clone() });
    let broken = iam.issue(Session { policy: Some("{}".to_owned()), ..session.clone() });
    let managed =
        iam.issue(Session { policy_arns: vec!["arn:aws:iam::aws:policy/X".to_owned()], ..session });
    let user = iam.add_user("arn:aws:iam::111122223333:user/backup");
    let a = get("arn:aws:s3:::b/a/k");
    assert!(!iam.allows(&plain, &a), "a role without a policy");

    iam.add_policy(ROLE, &document("arn:aws:s3:::b/*")).unwrap();
    assert!(iam.allows(&plain, &a) && iam.allows(&narrowed, &a));
    assert!(iam.allows(&plain, &get("arn:aws:s3:::b/c/k")));
    assert!(!iam.allows(&narrowed, &get("arn:aws:s3:::b/c/k")), "the session's policy");
    assert!(!iam.allows(&narrowed, &get("arn:aws:s3:::other/a/k")), "the role's policy");
    assert!(!iam.allows(&broken, &a) && !iam.allows(&managed, &a) && !iam.allows(&user, &a));
}
