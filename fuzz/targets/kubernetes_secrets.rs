//! Answers of the Kubernetes API about Secrets: lists and events of a watch.
#![no_main]

use libfuzzer_sys::fuzz_target;
use s3_credential_core::{Failure, Keys};
use s3_credential_fuzz::{assert_clean, assert_quiet};
use s3_credential_secret::fuzzing::{listed, watched};

// The values of the seeds hold the canary in base64, so that it can be seen only where they were
// decoded.
fuzz_target!(|text: &str| {
    for read in [listed(text, "s3-keys"), watched(text)].into_iter().flatten() {
        check(read);
    }
});

fn check(read: Result<Option<Keys>, Failure>) {
    match read {
        Ok(keys) => {
            assert_quiet(&keys);
            if let Some(keys) = keys {
                keys.check(|_| "a value".to_owned()).expect("only what can be carried is handed on");
            }
        }
        Err(failure) => assert_clean(&failure),
    }
}
