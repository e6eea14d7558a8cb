//! What the fuzz targets hold every parser to, beside "it does not panic, and ends".
//!
//! **In:** the result of a parser. **Out:** none. **Fails:** with a panic, which the fuzzer reports
//! together with the input.

use std::fmt::Debug;
use std::future::Future;

use futures::FutureExt as _;
use s3_credential_core::{Failure, Secret, SourceError};

/// Planted where a secret stands. The targets leave inputs alone that hold it already, so that it
/// can come from nowhere else.
pub const CANARY: &str = "canary/wJalrXUtnFEMI+K7MDENG";

/// What one message may take: a name or two of the longest kind, each escaped, and a sentence
/// around them.
const MESSAGE_LIMIT: usize = 4 << 10;

/// Whether an input holds the canary by itself.
pub fn holds_canary(input: &[u8]) -> bool {
    input.windows(CANARY.len()).any(|window| window == CANARY.as_bytes())
}

/// A secret with the canary in its middle, as near as characters allow.
pub fn planted(text: &str) -> Secret {
    let middle = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    Secret::new(format!("{}{CANARY}{}", &text[..middle], &text[middle..]))
}

/// Asserts that the printed form shows no secret.
pub fn assert_quiet(shown: &impl Debug) {
    let text = format!("{shown:?}");
    assert!(!text.contains(CANARY), "a secret is shown: {text}");
}

/// A failure is a short line, and shows no secret.
pub fn assert_clean(failure: &Failure) {
    assert_quiet(failure);
    for text in [failure.to_string().as_str(), failure.message(), failure.help()] {
        assert!(text.len() <= MESSAGE_LIMIT, "a message of {} bytes", text.len());
        assert!(!text.chars().any(char::is_control), "a message of several lines: {text:?}");
        assert!(!text.contains(CANARY), "a secret is shown: {text}");
    }
}

/// The same for what a source says.
pub fn assert_clean_attempt(error: &SourceError) {
    match error {
        SourceError::Failed(failure) => assert_clean(failure),
        other => assert_quiet(other),
    }
}

/// The answer of what never waits.
pub fn at_once<F: Future>(future: F) -> F::Output {
    future.now_or_never().expect("this future never waits")
}
