//! Answers of STS: any status with any body, through the SDK.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use s3_credential_core::{RoleArn, Token, WebIdentity};
use s3_credential_fuzz::{CANARY, assert_clean, assert_quiet, planted};
use s3_credential_sts::fuzzing::keys;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().unwrap());

static IDENTITY: LazyLock<WebIdentity> = LazyLock::new(|| {
    let token = Token::parse("the token", planted("to.ken"), None).unwrap();
    WebIdentity::new(token, "arn:aws:iam::111122223333:role/a".parse::<RoleArn>().unwrap())
});

fuzz_target!(|answer: (u8, &[u8])| {
    let (status, body) = answer;
    // The keys of the seeds hold the canary.
    let status = [200, 200, 400, 403, 500, 100 + 3 * u16::from(status)][usize::from(status) % 6];
    match RUNTIME.block_on(keys(status, body.to_vec(), &IDENTITY)) {
        Ok(keys) => {
            assert_quiet(&keys);
            assert!(keys.expires_at.is_some() && keys.session_token.is_some());
            keys.check(|_| CANARY.to_owned()).expect("only what can be carried is handed on");
        }
        Err(failure) => assert_clean(&failure),
    }
});
