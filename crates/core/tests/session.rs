//! What STS would refuse is refused before it is asked.
#![allow(clippy::unwrap_used, reason = "the helpers of a test fail as tests do")]

use std::time::Duration;

use s3_credential_core::{ErrorKind, RoleHop, SessionSettings};

fn problem(session: &SessionSettings, hop: Option<&RoleHop>) -> String {
    let failure = session.check(hop).unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Misconfigured);
    failure.message().to_owned()
}

fn named(name: &str) -> SessionSettings {
    SessionSettings { name: Some(name.to_owned()), ..Default::default() }
}

fn lasting(minutes: u64) -> SessionSettings {
    SessionSettings { duration: Some(Duration::from_mins(minutes)), ..Default::default() }
}

fn with_policy(policy: impl Into<String>) -> SessionSettings {
    SessionSettings { policy: Some(policy.into()), ..Default::default() }
}

fn with_arns(arns: Vec<String>) -> SessionSettings {
    SessionSettings { policy_arns: arns, ..Default::default() }
}

fn hop() -> RoleHop {
    RoleHop {
        role_arn: "arn:aws:iam::111122223333:role/second".parse().unwrap(),
        external_id: None,
        session_name: None,
        duration: None,
        tags: Vec::new(),
    }
}

fn tagged<K: Into<String>, V: Into<String>>(tags: impl IntoIterator<Item = (K, V)>) -> RoleHop {
    RoleHop {
        tags: tags.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
        ..hop()
    }
}

#[test]
fn a_session_without_settings_is_valid() {
    assert!(SessionSettings::default().check(None).is_ok());
    assert!(SessionSettings::default().check(Some(&hop())).is_ok());
}

#[test]
fn a_session_name_has_2_to_64_of_its_characters() {
    for good in ["ab", "s3_csi+=,.@-9", &"n".repeat(64)] {
        assert!(named(good).check(None).is_ok(), "{good}");
    }
    for bad in ["", "a", "a b", "a/b", "a\n", "né", &"n".repeat(65)] {
        assert!(problem(&named(bad), None).contains("session name"), "{bad}");
    }
    let second = RoleHop { session_name: Some("a b".to_owned()), ..hop() };
    assert!(problem(&SessionSettings::default(), Some(&second)).contains("session name"));
}

#[test]
fn a_session_lasts_15_minutes_to_12_hours_and_a_chained_one_an_hour() {
    for good in [15, 60, 720] {
        assert!(lasting(good).check(None).is_ok(), "{good}");
    }
    for bad in [0, 14, 721] {
        assert!(problem(&lasting(bad), None).contains("900 to 43200 seconds"), "{bad}");
    }
    assert!(lasting(60).check(Some(&hop())).is_ok());
    assert!(
        problem(&lasting(61), Some(&hop())).contains("of a second role is not 900 to 3600 seconds")
    );
    let short = RoleHop { duration: Some(Duration::from_mins(15)), ..hop() };
    assert!(lasting(61).check(Some(&short)).is_ok(), "the hop's own duration is what counts");
    let long = RoleHop { duration: Some(Duration::from_hours(2)), ..hop() };
    assert!(problem(&lasting(15), Some(&long)).contains("3600"));
}

#[test]
fn a_policy_is_a_document_of_2048_characters_at_most() {
    let of_length = |length: usize| format!("{{\"Version\":\"{}\"}}", "v".repeat(length - 14));
    assert!(with_policy(of_length(2048)).check(None).is_ok());
    assert!(problem(&with_policy(of_length(2049)), None).contains("2048"));
    for bad in ["", "{", "[]", "\"Allow\"", "{\"a\":\"\u{100}\"}"] {
        assert!(problem(&with_policy(bad), None).contains("policy document"), "{bad}");
    }
}

#[test]
fn policy_arns_are_10_at_most_and_of_policies() {
    let arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess".to_owned();
    assert!(with_arns(vec![arn.clone(); 10]).check(None).is_ok());
    assert!(problem(&with_arns(vec![arn; 11]), None).contains("more than 10"));
    for bad in [
        "",
        "AmazonS3ReadOnlyAccess",
        "arn:aws:iam::aws:role/reader",
        "arn:aws:iam::aws:policy/a b",
    ] {
        assert!(problem(&with_arns(vec![bad.to_owned()]), None).contains("policy ARN"), "{bad}");
    }
}

#[test]
fn endpoints_are_regional_or_legacy() {
    let with = |word: &str| SessionSettings {
        regional_endpoints: Some(word.to_owned()),
        ..Default::default()
    };
    assert!(with("regional").check(None).is_ok());
    assert!(with("legacy").check(None).is_ok());
    assert!(problem(&with("global"), None).contains("regional and legacy"));
}

#[test]
fn an_external_id_has_2_to_1224_of_its_characters() {
    let with = |id: &str| RoleHop { external_id: Some(id.to_owned()), ..hop() };
    for good in ["ab", "team:s3/a+b=c,d.e@f-_", &"x".repeat(1224)] {
        assert!(SessionSettings::default().check(Some(&with(good))).is_ok(), "{good}");
    }
    for bad in ["", "a", "a b", "a#b", &"x".repeat(1225)] {
        assert!(
            problem(&SessionSettings::default(), Some(&with(bad))).contains("external id"),
            "{bad}"
        );
    }
}

#[test]
fn tags_are_50_at_most_within_their_lengths_and_unique() {
    let check = |hop: &RoleHop| SessionSettings::default().check(Some(hop));
    let many = |count: usize| tagged((0..count).map(|number| (format!("key-{number}"), "v")));
    assert!(check(&many(50)).is_ok());
    assert!(problem(&SessionSettings::default(), Some(&many(51))).contains("more than 50"));
    assert!(check(&tagged([("k".repeat(128), "v".repeat(256))])).is_ok());
    assert!(check(&tagged([("équipe", ""), ("a b", "_.:/=+-@")])).is_ok());
    for (key, value) in [
        (String::new(), String::new()),
        ("k".repeat(129), String::new()),
        ("k".to_owned(), "v".repeat(257)),
        ("k\n".to_owned(), String::new()),
        ("k".to_owned(), "v#".to_owned()),
        ("AWS:team".to_owned(), "v".to_owned()),
    ] {
        let message =
            problem(&SessionSettings::default(), Some(&tagged([(key.as_str(), value.as_str())])));
        assert!(message.contains("a session tag"), "{key} {value}");
    }
    assert!(
        problem(&SessionSettings::default(), Some(&tagged([("Team", "a"), ("team", "b")])))
            .contains("same key")
    );
}

#[test]
fn no_error_repeats_a_value() {
    let session = SessionSettings { policy: Some("canary".to_owned()), ..Default::default() };
    let hop = RoleHop { external_id: Some("canary canary".to_owned()), ..hop() };
    assert!(!format!("{:?}", session.check(None).unwrap_err()).contains("canary"));
    assert!(
        !format!("{:?}", SessionSettings::default().check(Some(&hop)).unwrap_err())
            .contains("canary")
    );
}
