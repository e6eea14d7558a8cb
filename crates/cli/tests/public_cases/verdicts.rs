//! What is right, group by group.

use std::fs;

use s3_credential_core::{Clock as _, SystemClock};

use crate::case::Case;
use crate::world::Seen;

pub(crate) fn judge(group: &str, cases: &[Case], seen: &[Seen]) {
    for (case, seen) in cases.iter().zip(seen) {
        let all = format!("{} ({}; right: {})\n{}", case.name, case.say, case.right, seen.all());
        let secret = case.more["grep"].as_str();
        assert!(secret.is_none_or(|secret| !all.contains(secret)), "{all}");
        assert!(secret.is_none_or(|secret| !seen.journal.contains(secret)), "{all}");
        match group {
            "01-future-token" => {}
            "02-prefix-spellings" => prefix(seen, &all),
            "03-role-arns-of-other-stores" => {
                assert_eq!(
                    (seen.status, seen.text("/error/kind")),
                    (2, "invalid-role-arn"),
                    "{all}"
                );
            }
            "04-sts-url-with-port-or-path" => own_sts(seen, &all),
            "06-s3-style-sts-errors" => {
                let kind =
                    if case.say.contains("403") { "permission-denied" } else { "expired-token" };
                assert_eq!((seen.status, seen.text("/error/kind")), (4, kind), "{all}");
                assert_eq!(seen.sts_calls, 1, "{all}");
            }
            "10-half-a-profile" => half_a_profile(seen, &all),
            "11-lower-case-proxy" => proxy(case, seen, &all),
            "12-proxy-password-in-explain" => assert!(!seen.object.is_null(), "{all}"),
            "13-fips-and-dual-stack" => fips(case, seen, &all),
            "15-ca-bundle-path" => ca_bundle(seen, &all),
            "17-imds-role-with-a-path" => imds_role(case, seen, &all),
            "18-imds-role-that-cannot-be-assumed" => {
                assert_ne!(seen.status, 0, "{all}");
                assert!(
                    seen.said().contains("AssumeRoleUnauthorizedAccess")
                        || seen.said().contains("ec2.amazonaws.com"),
                    "{all}"
                );
            }
            "19-secret-entry-names" => secret_names(case, seen, &all),
            "20-regions-of-other-stores" => {
                assert_eq!(seen.status, 0, "{all}");
                let region = if case.say.contains("RegionOne") { "RegionOne" } else { "US" };
                assert_eq!(seen.text("/region/name"), region, "{all}");
            }
            other => panic!("no verdict for {other}"),
        }
    }
    if group == "01-future-token" {
        future_token(&seen[0], &seen[1]);
    }
}

/// A token that is not valid yet is refused, or gives way to one that is.
fn future_token(first: &Seen, second: &Seen) {
    if first.status != 0 {
        assert_eq!(first.text("/error/code"), "UNAUTHENTICATED", "{}", first.all());
    }
    assert_eq!(second.status, 0, "{}", second.all());
    let path = second.variable("AWS_WEB_IDENTITY_TOKEN_FILE").unwrap();
    let token = s3_credential_core::Token::parse(
        "token",
        s3_credential_core::Secret::new(fs::read_to_string(path).unwrap()),
        None,
    );
    let issued_at = token.unwrap().age().issued_at.unwrap();
    assert!(issued_at <= SystemClock.now(), "{}", second.all());
}

pub(crate) fn prefix(seen: &Seen, all: &str) {
    if seen.status != 0 {
        assert_eq!((seen.status, seen.text("/error/code")), (2, "INVALID_ARGUMENT"), "{all}");
        assert!(seen.text("/error/message").contains("mountOptions"), "{all}");
        assert!(seen.policies.is_empty(), "{all}");
        return;
    }
    let [Some(policy)] = &seen.policies[..] else { panic!("{:?}\n{all}", seen.policies) };
    for wide in ["test-bucket/*", "\"s3:*\""] {
        assert!(!policy.contains(wide), "{policy}\n{all}");
    }
    assert!(policy.contains("s3:prefix"), "{policy}\n{all}");
}

/// Keys that are exchanged here, or a refusal that names the variable; never another server.
pub(crate) fn own_sts(seen: &Seen, all: &str) {
    if seen.status == 0 {
        assert_eq!(seen.text("/delivery"), "profile", "{all}");
        return;
    }
    assert!(
        seen.said().contains("AWS_ENDPOINT_URL_STS") || seen.said().contains(":4223/sts/tenant-ns"),
        "{all}"
    );
    assert_eq!(fs::read_dir(&seen.write_path).unwrap().count(), 0, "{all}");
}

fn half_a_profile(seen: &Seen, all: &str) {
    assert!(!seen.stdout.contains("\"credentialSource\":\"imds\""), "{all}");
    if seen.status == 0 {
        assert_eq!(seen.text("/credentialSource"), "profile", "{all}");
    } else {
        assert!(seen.said().contains("AWS_SHARED_CREDENTIALS_FILE"), "{all}");
    }
}

fn proxy(case: &Case, seen: &Seen, all: &str) {
    if case.cmd.as_deref() == Some("process") {
        assert!(
            seen.proxied
                .iter()
                .any(|line| line.starts_with("CONNECT sts.us-east-1.amazonaws.com:443")),
            "{:?}\n{all}",
            seen.proxied
        );
        return;
    }
    assert_eq!(seen.status, 0, "{all}");
    for name in ["HTTPS_PROXY", "https_proxy"] {
        assert_eq!(seen.variable(name), Some("http://proxy:3128"), "{all}");
    }
    for name in ["NO_PROXY", "no_proxy"] {
        assert!(seen.variable(name).unwrap().starts_with("10.0.0.0/8,.svc"), "{all}");
    }
}

fn fips(case: &Case, seen: &Seen, all: &str) {
    let host = "sts-fips.us-east-1.amazonaws.com";
    if case.cmd.as_deref() == Some("process") {
        let asked = format!("CONNECT {host}:443");
        assert!(
            seen.proxied.iter().any(|line| line.starts_with(&asked)),
            "{:?}\n{all}",
            seen.proxied
        );
        return;
    }
    assert_eq!(seen.status, 0, "{all}");
    assert_eq!(seen.variable("AWS_ENDPOINT_URL_STS"), Some(host), "{all}");
    assert_eq!(seen.variable("AWS_USE_FIPS_ENDPOINT"), Some("true"), "{all}");
}

/// The file of the report is not there: then it is named, and never passed on unchanged.
fn ca_bundle(seen: &Seen, all: &str) {
    assert_eq!((seen.status, seen.text("/error/kind")), (3, "misconfigured"), "{all}");
    assert!(seen.said().contains("AWS_CA_BUNDLE"), "{all}");
}

fn imds_role(case: &Case, seen: &Seen, all: &str) {
    if seen.status == 0 {
        return;
    }
    let role = case.imds.as_ref().and_then(|imds| imds.role.as_deref()).unwrap();
    assert!(seen.said().contains(role.trim_end_matches('/')), "{all}");
}

fn secret_names(case: &Case, seen: &Seen, all: &str) {
    assert_ne!(seen.status, 0, "{all}");
    let said = seen.said();
    let there = case.request.as_ref().unwrap()["secrets"].as_object().unwrap();
    for (name, value) in there {
        let is_listed = value.as_str().is_some_and(|value| !value.is_empty());
        assert_eq!(said.contains(&format!("`{name}`")), is_listed, "{name}: {all}");
    }
    for known in ["`key_id`", "`access_key`", "`access_key_id`", "`keyNames`"] {
        assert!(said.contains(known), "{known}: {all}");
    }
    assert!(!all.contains("secret/secret/key"), "{all}");
}
