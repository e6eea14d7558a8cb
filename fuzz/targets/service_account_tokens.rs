//! The kubelet's JSON of service-account tokens by audience.
#![no_main]

use libfuzzer_sys::fuzz_target;
use s3_credential_core::{
    MAX_TOKEN_LEN, POD_IDENTITY_AUDIENCE, STS_AUDIENCE, Secret, ServiceAccountTokens,
};
use s3_credential_fuzz::{CANARY, assert_clean, assert_quiet};

fuzz_target!(|json: &str| {
    // The text that the seeds have in the place of a token. No other text may come out, even where
    // the canary is in another place.
    let tokens = match ServiceAccountTokens::parse(&Secret::new(json)) {
        Ok(tokens) => tokens,
        Err(failure) => return assert_clean(&failure),
    };
    if !json.contains(CANARY) {
        assert_quiet(&tokens);
    }
    for audience in [STS_AUDIENCE, POD_IDENTITY_AUDIENCE, ""] {
        match tokens.get(audience) {
            Ok(token) => {
                assert!(tokens.has(audience));
                assert_quiet(token.secret());
                let text = token.secret().expose();
                assert!(!text.is_empty() && text.len() <= MAX_TOKEN_LEN);
                assert!(!text.contains(|c: char| c.is_control() || c.is_whitespace()));
            }
            Err(failure) => assert_clean(&failure),
        }
    }
});
