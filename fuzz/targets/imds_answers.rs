//! Answers of IMDS: the list of roles, and the document with keys.
#![no_main]

use libfuzzer_sys::fuzz_target;
use s3_credential_fuzz::{assert_clean, assert_quiet};
use s3_credential_imds::fuzzing::{keys, role};

// The keys of the seeds hold the canary.
fuzz_target!(|answer: &str| {
    match keys(answer) {
        Ok(keys) => {
            assert_quiet(&keys);
            assert!(keys.expires_at.is_some() && keys.session_token.is_some());
            keys.check(|_| "a value".to_owned()).expect("only what can be carried is handed on");
        }
        Err(failure) => assert_clean(&failure),
    }
    match role(answer) {
        // A name may have a path, and stays within the path of the next request.
        Ok(role) => {
            let segments = role.strip_suffix('/').unwrap_or(role).split('/');
            assert!(segments.clone().all(|segment| !["", ".", ".."].contains(&segment)));
            assert!(role.len() <= 577 && !role.contains(['?', '#', '%', '\\']));
        }
        Err(failure) => assert_clean(&failure),
    }
});
