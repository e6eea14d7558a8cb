//! Mapping rules.

use s3_credential_core::ErrorKind;
use s3_credential_pod_token::{RoleMapping, RoleRule};

use crate::world::{OTHER_ROLE, ROLE};

fn rule(namespace: &str, service_account: &str, role_arn: &str) -> RoleRule {
    RoleRule {
        namespace: namespace.to_owned(),
        service_account: service_account.to_owned(),
        role_arn: role_arn.to_owned(),
    }
}

#[test]
fn the_first_rule_that_matches_counts() {
    let mapping =
        RoleMapping::new([rule("apps", "web", ROLE), rule("*", "*", OTHER_ROLE)]).unwrap();
    let role = |namespace, name| mapping.role(namespace, name).unwrap().as_str();
    assert_eq!(role("apps", "web"), ROLE);
    assert_eq!(role("apps", "batch"), OTHER_ROLE);
    assert_eq!(role("other", "web"), OTHER_ROLE);
}

#[test]
fn a_pattern_matches_whole_names() {
    for (pattern, matches, others) in [
        ("web", &["web"][..], &["webs", "a-web", "we"][..]),
        ("web-*", &["web-", "web-1", "web-a.b"], &["web", "a-web-1"]),
        ("*-web", &["a-web", "-web"], &["web", "a-web-1"]),
        ("w?b", &["web", "wob"], &["wb", "weeb"]),
        ("a.b", &["a.b"], &["a-b", "axb"]),
        ("*", &["", "anything.at-all"], &[]),
    ] {
        let mapping = RoleMapping::new([rule("apps", pattern, ROLE)]).unwrap();
        for name in matches {
            assert!(mapping.role("apps", name).is_some(), "{pattern} on {name}");
        }
        for name in others {
            assert!(mapping.role("apps", name).is_none(), "{pattern} on {name}");
        }
        assert!(mapping.role("apps\n", "web").is_none());
        assert!(mapping.role("apps", "web\nweb").is_none(), "{pattern} across lines");
    }
}

#[test]
fn a_wrong_rule_is_refused_when_it_is_loaded_and_named() {
    let good = || rule("*", "*", ROLE);
    for (bad, field, kind) in [
        (rule("", "*", ROLE), "`namespace` of rule 2", ErrorKind::InvalidConfiguration),
        (rule("Team", "*", ROLE), "`namespace` of rule 2", ErrorKind::InvalidConfiguration),
        (rule("{a,b}", "*", ROLE), "`namespace` of rule 2", ErrorKind::InvalidConfiguration),
        (rule("*", "a b", ROLE), "`serviceAccount` of rule 2", ErrorKind::InvalidConfiguration),
        (rule("*", "^web$", ROLE), "`serviceAccount` of rule 2", ErrorKind::InvalidConfiguration),
        (rule("*", "*", "role/web"), "`roleArn` of rule 2", ErrorKind::InvalidRoleArn),
        (rule("*", "*", ""), "`roleArn` of rule 2", ErrorKind::InvalidRoleArn),
    ] {
        let failure = RoleMapping::new([good(), bad]).unwrap_err();
        assert_eq!(failure.kind(), kind, "{failure}");
        assert!(failure.message().starts_with(field), "{failure}");
        assert!(!failure.help().is_empty());
    }
}
