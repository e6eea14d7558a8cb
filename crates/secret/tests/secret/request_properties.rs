//! What holds for every Secret.

use proptest::collection::btree_map;
use proptest::prelude::*;
use s3_credential_core::{CredentialForm, CredentialSource as _, SourceError};
use s3_credential_secret::SecretRequestSource;

use crate::{context, request};

const NAMES: [&str; 10] = [
    "key_id",
    "access_key",
    "session_token",
    "access_key_id",
    "secret_access_key",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "region",
    "endpoint",
];

/// What a profile file gives back for a value: the SDKs trim it, and end it at a comment.
fn read_back(value: &str) -> &str {
    let line = value.lines().next().unwrap_or_default();
    let line = [" #", " ;"]
        .iter()
        .fold(line, |line, comment| line.split(comment).next().unwrap_or_default());
    line.trim().trim_matches(['"', '\''])
}

fn provide(secrets: &[(String, String)]) -> Result<CredentialForm, SourceError> {
    let context = context(request("secret").with_secrets(secrets.iter().cloned()));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(SecretRequestSource::default().provide(&context))
}

proptest! {
    #[test]
    fn keys_that_are_given_are_values_of_the_secret_that_a_profile_gives_back(
        secrets in btree_map(prop::sample::select(&NAMES[..]), prop_oneof!["[ -~]{0,8}", "\\PC{0,4}", any::<String>()], 0..5)
    ) {
        let secrets: Vec<_> = secrets.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        if let Ok(CredentialForm::Keys(keys)) = provide(&secrets) {
            let parts = [Some(keys.access_key_id), Some(keys.secret_access_key), keys.session_token];
            for part in parts.into_iter().flatten() {
                prop_assert!(!part.is_empty());
                prop_assert_eq!(read_back(part.expose()), part.expose());
                prop_assert!(secrets.iter().any(|(_, value)| value == part.expose()));
            }
        }
    }

    #[test]
    fn no_error_repeats_a_value(
        name in prop::sample::select(&NAMES[..]),
        before in "\\PC{0,3}[\\x00-\\x20\"'#]{0,2}",
        after in "[\\x00-\\x20\"'#]{0,2}\\PC{0,3}",
    ) {
        let canary = format!("{before}CaNaRy{after}");
        let mut secrets = vec![("key_id".to_owned(), "CaNaRy".to_owned()), ("access_key".to_owned(), "CaNaRy".to_owned())];
        secrets.push((name.to_owned(), canary));
        let shown = match provide(&secrets) {
            // The endpoint is an address, which is delivered in the open.
            Ok(CredentialForm::Keys(mut keys)) => { keys.endpoint = None; keys.region = None; format!("{keys:?}") }
            Ok(_) => String::new(),
            Err(error) => format!("{error} {error:?}"),
        };
        prop_assert!(!shown.contains("CaNaRy"), "{}", shown);
    }
}
