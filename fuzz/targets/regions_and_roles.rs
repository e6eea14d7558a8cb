//! Names of regions, which become part of host names, and role ARNs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use s3_credential_core::{Region, RoleArn};
use s3_credential_fuzz::{assert_clean, planted};

fuzz_target!(|text: &str| {
    match Region::parse("the region", text) {
        Ok(region) => {
            assert_eq!(region.as_str(), text);
            assert!(text.len() <= 63 && text.bytes().all(|b| b.is_ascii_graphic()));
            // A host name is built only from what AWS's check takes.
            match region.check_aws("the region") {
                Ok(()) => {
                    let host = format!("sts.{region}.{}", region.partition().dns_suffix);
                    assert!(host.split('.').all(is_label), "{host}");
                }
                Err(failure) => assert_clean(&failure),
            }
        }
        Err(failure) => assert_clean(&failure),
    }
    match RoleArn::parse("the role", text) {
        Ok(role) => {
            assert_eq!(role.as_str(), text);
            assert!(text.len() <= 2048 && text.bytes().all(|b| b.is_ascii_graphic()));
            match role.check_aws("the role") {
                Ok(()) => assert!(role.partition().starts_with("aws")),
                Err(failure) => assert_clean(&failure),
            }
        }
        Err(failure) => assert_clean(&failure),
    }
    let secret = planted(text);
    // Neither takes the canary's capitals and plus signs.
    assert_clean(&Region::parse("the region", secret.expose()).unwrap_err());
    if let Err(failure) = RoleArn::parse("the role", secret.expose()) {
        assert_clean(&failure);
    }
});

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
