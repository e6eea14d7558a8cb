//! What a tenant can write into a ServiceAccount: annotations, and names; and an operator's rules
//! for them.
#![no_main]

use std::collections::BTreeMap;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use s3_credential_fuzz::assert_clean;
use s3_credential_pod_token::fuzzing::{account, annotations};
use s3_credential_pod_token::{RoleMapping, RoleRule};

const ROLE: &str = "arn:aws:iam::111122223333:role/a";

fuzz_target!(|texts: (&str, &str, &str, &str)| {
    let (role, expiration, endpoints, audience) = texts;
    let said = annotations(&BTreeMap::from(
        [
            ("role-arn", role),
            ("token-expiration", expiration),
            ("sts-regional-endpoints", endpoints),
            ("audience", audience),
        ]
        .map(|(name, text)| (format!("eks.amazonaws.com/{name}"), text.to_owned())),
    ));
    match &said.role_arn {
        Ok(None) => assert!(role.trim().is_empty()),
        Ok(Some(arn)) => assert_eq!(arn.as_str(), role),
        Err(failure) => assert_clean(failure),
    }
    match said.token_ttl {
        Ok(None) => assert!(expiration.trim().is_empty()),
        Ok(Some(ttl)) => assert_eq!(Some(ttl), expiration.parse().ok().map(Duration::from_secs)),
        Err(failure) => assert_clean(&failure),
    }
    match said.regional_endpoints {
        Ok(word) => assert!(word.is_none_or(|word| ["regional", "legacy"].contains(&word))),
        Err(failure) => assert_clean(&failure),
    }
    map(role, expiration, endpoints);
    match account(role, endpoints) {
        Ok(()) => assert!([role, endpoints].iter().all(|name| is_path_segment(name))),
        Err(failure) => assert_clean(&failure),
    }
});

fn is_path_segment(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    name.bytes().all(plain) && ![".", ".."].contains(&name)
}

/// A pattern without wildcards matches only itself.
fn map(pattern: &str, namespace: &str, service_account: &str) {
    let rule = RoleRule {
        namespace: pattern.to_owned(),
        service_account: "*".to_owned(),
        role_arn: ROLE.to_owned(),
    };
    match RoleMapping::new([rule]) {
        Ok(mapping) => {
            let is_for = |namespace: &str| mapping.role(namespace, service_account).is_some();
            if !pattern.contains(['*', '?']) && !service_account.contains('\n') {
                assert!(is_for(pattern));
                assert_eq!(is_for(namespace), namespace == pattern);
            }
        }
        Err(failure) => assert_clean(&failure),
    }
}
