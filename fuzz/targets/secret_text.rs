//! Secrets out of JSON: our own unescaping against serde_json's.
#![no_main]

use libfuzzer_sys::fuzz_target;
use s3_credential_core::Secret;

fuzz_target!(|json: &[u8]| {
    let ours = serde_json::from_slice::<Secret>(json).ok();
    let theirs = serde_json::from_slice::<String>(json).ok();
    assert_eq!(ours.as_ref().map(Secret::expose), theirs.as_deref());
    if let Some(text) = theirs {
        let again = serde_json::to_string(&text).expect("a text can be written");
        assert_eq!(serde_json::from_str::<Secret>(&again).unwrap().expose(), text);
    }
});
