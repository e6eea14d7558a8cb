//! Bearer tokens: any text, and any text in the place of a JWT's claims.
#![no_main]

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use s3_credential_core::{Failure, STS_AUDIENCE, Secret, Token};
use s3_credential_fuzz::{CANARY, assert_clean, assert_quiet};

fuzz_target!(|text: &str| {
    check(Token::parse("the token", Secret::new(text), None));
    let [header, claims] = ["{\"alg\":\"RS256\"}", text].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
    // The signature is secret as well: who has it, and the rest, has the token.
    let jwt = format!("{header}.{claims}.{}", BASE64_URL_SAFE_NO_PAD.encode(CANARY));
    check(Token::parse("the token", Secret::new(jwt), Some(Timestamp::UNIX_EPOCH)));
});

fn check(token: Result<Token, Failure>) {
    let token = match token {
        Ok(token) => token,
        Err(failure) => return assert_clean(&failure),
    };
    assert_quiet(token.secret());
    let age = token.age();
    assert!(!age.is_older_than(&age));
    for checked in [
        token.check_expiry("the token", Timestamp::MAX),
        token.check_expiry("the token", Timestamp::MIN),
        token.check_audience("the token", STS_AUDIENCE),
        token.check_service_account("the token", "default", "web"),
    ] {
        if let Err(failure) = checked {
            assert_clean(&failure);
        }
    }
}
