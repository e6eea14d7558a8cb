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
        Ok(role) => assert!(!role.is_empty() && role.len() <= 64 && !role.contains(['/', '?', '#'])),
        Err(failure) => assert_clean(&failure),
    }
});
