//! Connections to the loopback endpoint: any bytes, to the keys of a volume or to none.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use s3_credential_core::{Keys, Secret, SystemClock};
use s3_credential_delivery::Grants;
use s3_credential_delivery::fuzzing::converse;
use s3_credential_fuzz::CANARY;
use tokio::runtime::{Builder, Runtime};

/// The seeds know it.
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().unwrap());

static GRANTS: LazyLock<Grants> = LazyLock::new(|| {
    let grants = Grants::default();
    let keys = Arc::new(Keys::new("AKIAIOSFODNN7EXAMPLE", CANARY));
    grants.insert("volume", Secret::new(TOKEN), Arc::new(keys)).unwrap();
    grants
});

fuzz_target!(|said: &[u8]| {
    let answer = RUNTIME.block_on(converse(GRANTS.clone(), Arc::new(SystemClock), said)).unwrap();
    let answer = String::from_utf8(answer).expect("every answer is text");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1."), "{answer}");
    let knows = said.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes());
    assert!(knows || !answer.contains(CANARY), "keys for one who shows no token");
    assert!(!answer.contains(TOKEN), "what was said is said back");
    // At most one answer for each line, however short.
    assert!(answer.len() <= 1024 * (1 + said.len()));
});
