//! Regions, role ARNs, tokens and keys: what can be one and what cannot.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::items_after_statements,
    reason = "test code: what should not happen stops the test"
)]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use s3_credential_core::{
    ErrorKind, KeyPart, Keys, MountOptions, Region, RoleArn, Secret, Token, TokenAge,
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn jwt(claims: &str) -> Secret {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    Secret::new(format!("{}.{}.{}", part(r#"{"alg":"RS256"}"#), part(claims), part("signature")))
}

fn token(claims: &str) -> Token {
    Token::parse("the token", jwt(claims), None).unwrap()
}

#[test]
fn regions_of_aws_are_host_labels_and_others_only_have_no_odd_characters() {
    for name in [
        "us-east-1",
        "us-gov-west-1",
        "us-isob-east-1",
        "eusc-de-east-1",
        "garage",
        "fr-par",
        "r-sts",
        "x",
    ] {
        let region = name.parse::<Region>().unwrap();
        region.check_aws("the region").unwrap();
    }
    for name in ["US", "RegionOne", "GRA", "my_zonegroup", "US-EAST-1"] {
        let failure = name.parse::<Region>().unwrap().check_aws("`stsRegion`").unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::InvalidRegion, "{name}");
        assert!(failure.message().contains("`stsRegion`"), "{failure}");
    }
    for name in [
        "",
        " ",
        "us-east-1a",
        "us-west-2-lax-1a",
        "us east 1",
        "a.b",
        "a/b",
        "-a",
        "a-",
        "a\n",
        "é",
    ] {
        let failure = name.parse::<Region>().unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::InvalidRegion, "{name}");
    }
}

#[test]
fn every_partition_is_known_by_its_regions() {
    for (region, partition, suffix) in [
        ("eu-north-1", "aws", "amazonaws.com"),
        ("cn-northwest-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-east-1", "aws-us-gov", "amazonaws.com"),
        ("us-iso-east-1", "aws-iso", "c2s.ic.gov"),
        ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
        ("eu-isoe-west-1", "aws-iso-e", "cloud.adc-e.uk"),
        ("us-isof-south-1", "aws-iso-f", "csp.hci.ic.gov"),
        ("eusc-de-east-1", "aws-eusc", "amazonaws.eu"),
    ] {
        let found = region.parse::<Region>().unwrap().partition();
        assert_eq!((found.name, found.dns_suffix), (partition, suffix), "{region}");
    }
}

#[test]
fn role_arns_name_a_role() {
    for arn in [
        "arn:aws:iam::111122223333:role/reader",
        "arn:aws-cn:iam::111122223333:role/path/to/reader+=,.@-_1",
    ] {
        arn.parse::<RoleArn>().unwrap().check_aws("the role").unwrap();
    }
    for arn in [
        "arn:minio:iam:::role/idmp-abc",
        "arn:aws:iam:::role/reader",
        "arn:aws:iam::1:role/other",
        "arn:aws:iam::TENANT:role/x",
        "arn:aws:iam::tenant_1$x:role/team/x",
        "arn:aws:iam::RGW00000000000000001:role/x",
        "arn:aws:iam::role/S3ReadOnlyRole",
        "urn:ecs:iam::NS:role/x",
    ] {
        let failure = arn.parse::<RoleArn>().unwrap().check_aws("`--role-arn`").unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::InvalidRoleArn, "{arn}");
        assert!(failure.message().contains("`--role-arn`"), "{failure}");
        assert!(!failure.message().contains(arn), "{failure}");
    }
    for arn in [
        "",
        "reader",
        "arn:aws:iam::111122223333:user/reader",
        "arn:aws:s3:::role/x",
        "role/x",
        "arn:aws:iam::a b:role/x",
        "arn:aws:iam::111122223333:role/",
        "arn:aws:iam::111122223333:role/a b",
        "arn:aws:iam::111122223333:role/a\nAWS_X=1",
        "arn:aws:sts::111122223333:role/reader",
    ] {
        assert_eq!(arn.parse::<RoleArn>().unwrap_err().kind(), ErrorKind::InvalidRoleArn, "{arn}");
    }
}

#[test]
fn a_token_of_three_parts_must_decode_and_any_other_is_opaque() {
    assert!(Token::parse("t", Secret::new("opaque"), None).is_ok());
    assert!(Token::parse("t", Secret::new("a.b"), None).is_ok());
    for bad in ["a.b.c", "", " ", "a b", "a\nb", "a\0b"] {
        let failure = Token::parse("t", Secret::new(bad), None).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::MalformedToken, "{bad:?}");
    }
    let long = Secret::new("x".repeat(20_001));
    assert_eq!(Token::parse("t", long, None).unwrap_err().kind(), ErrorKind::MalformedToken);
}

#[test]
fn a_token_past_its_expiry_is_refused_with_some_patience_for_another_machines_clock() {
    let claimed = token(r#"{"exp":1000}"#);
    assert!(claimed.check_expiry("t", at(1029)).is_ok());
    assert_eq!(claimed.check_expiry("t", at(1030)).unwrap_err().kind(), ErrorKind::ExpiredToken);
    let opaque = Token::parse("t", Secret::new("opaque"), Some(at(1000))).unwrap();
    assert!(opaque.check_expiry("t", at(999)).is_ok());
    assert_eq!(opaque.check_expiry("t", at(1000)).unwrap_err().kind(), ErrorKind::ExpiredToken);
}

#[test]
fn a_token_of_another_audience_or_service_account_is_refused() {
    let token =
        token(r#"{"aud":["sts.amazonaws.com"],"sub":"system:serviceaccount:tenant:reader"}"#);
    assert!(token.check_audience("t", "sts.amazonaws.com").is_ok());
    assert_eq!(token.check_audience("t", "other").unwrap_err().kind(), ErrorKind::WrongToken);
    assert!(token.check_service_account("t", "tenant", "reader").is_ok());
    assert_eq!(
        token.check_service_account("t", "tenant", "writer").unwrap_err().kind(),
        ErrorKind::WrongToken
    );
}

#[test]
fn the_older_of_two_tokens_is_found_by_issue_then_by_expiry_and_never_guessed() {
    let age = |issued: Option<i64>, expires: Option<i64>| TokenAge {
        issued_at: issued.map(at),
        expires_at: expires.map(at),
    };
    assert!(age(Some(1), Some(9)).is_older_than(&age(Some(2), Some(8))));
    assert!(!age(Some(2), Some(8)).is_older_than(&age(Some(1), Some(9))));
    assert!(age(None, Some(1)).is_older_than(&age(Some(5), Some(2))));
    assert!(!age(None, None).is_older_than(&age(Some(5), Some(2))));
    assert!(!age(Some(1), Some(2)).is_older_than(&age(Some(1), Some(2))));
}

#[test]
fn the_earlier_expiry_counts() {
    let token = Token::parse("t", jwt(r#"{"exp":2000}"#), Some(at(1500))).unwrap();
    assert_eq!(token.expires_at(), Some(at(1500)));
    assert_eq!(token.expires_at().unwrap().duration_since(at(0)), SignedDuration::from_secs(1500));
}

#[test]
fn keys_that_a_profile_file_cannot_carry_back_are_refused_by_name() {
    let check =
        |secret: &str| Keys::new("AKIAIOSFODNN7EXAMPLE", secret).check(|part| format!("{part:?}"));
    for good in [
        "wJalrXUtnFEMI/K7MDENG",
        "7f3c6a1e-3c1b-4c56-9d26-1b2f5a9d0c11",
        "a_b.c",
        "a#b",
        "a=b",
        "ключ",
    ] {
        assert!(check(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        " x",
        "x ",
        "x\n",
        "x #y",
        "x ;y",
        "\"x\"",
        "it's",
        "a\tb",
        "a\0b",
        "\u{fffd}",
        "a\u{a0}b",
        "a\u{ad}b",
        "a\u{378}b",
        "a\u{2028}b",
        "a\u{3000}b",
        "a\u{ffff}b",
    ] {
        let failure = check(bad).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::InvalidSecret, "{bad:?}");
        assert!(failure.message().contains(&format!("{:?}", KeyPart::SecretAccessKey)));
        assert!(bad.trim().is_empty() || !failure.message().contains(bad), "{bad:?}");
    }
}

#[test]
fn mount_options_are_read_as_mountpoint_and_the_go_driver_read_them() {
    let options = MountOptions::parse([
        "region us-east-1",
        " --prefix=a=b ",
        "--read-only",
        "allow-other",
        "",
        "region=eu-west-1",
    ]);
    assert_eq!(options.value("region"), Some("eu-west-1"), "the last one counts");
    assert_eq!(options.value("prefix"), Some("a=b"));
    assert!(options.has("read-only") && options.has("allow-other"));
    assert_eq!(options.value("absent"), None);
}
