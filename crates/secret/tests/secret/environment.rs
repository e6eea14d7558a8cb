//! `secret-environment`.

use s3_credential_core::{CredentialSource as _, Environment, ErrorKind, source_names};
use s3_credential_secret::SecretEnvironmentSource;

use crate::{assert_pair, assert_reports, at_level, failure, keys, skipped};

const ID: &str = "AWS_ACCESS_KEY_ID";
const KEY: &str = "AWS_SECRET_ACCESS_KEY";
const TOKEN: &str = "AWS_SESSION_TOKEN";

fn source(variables: &[(&str, &str)]) -> SecretEnvironmentSource {
    let environment: Environment = variables.iter().copied().collect();
    SecretEnvironmentSource::new(&environment)
}

#[tokio::test]
async fn long_term_and_temporary_keys_are_taken_from_the_variables() {
    let long_term = keys(&source(&[(ID, "id"), (KEY, "key")]), &at_level("driver")).await;
    assert_pair(&long_term, "id", "key");
    assert!(long_term.session_token.is_none());
    let source =
        source(&[(ID, "id"), (KEY, "key"), (TOKEN, "token"), ("region", "x"), ("endpoint", "y")]);
    let temporary = keys(&source, &at_level("driver")).await;
    assert_eq!(temporary.session_token.unwrap().expose(), "token");
    assert_eq!((temporary.region, temporary.endpoint), (None, None));
}

#[tokio::test]
async fn a_driver_without_the_variables_has_no_keys() {
    for variables in
        [&[][..], &[(ID, ""), (KEY, ""), (TOKEN, "")], &[("key_id", "id"), ("access_key", "key")]]
    {
        let text = skipped(&source(variables), &at_level("driver")).await;
        assert!(text.contains(ID) && text.contains(KEY), "{text}");
    }
}

#[tokio::test]
async fn half_of_the_variables_is_a_matter_of_the_drivers_set_up() {
    for (variables, missing) in [
        (&[(ID, "id")][..], "`AWS_SECRET_ACCESS_KEY` is missing"),
        (&[(KEY, "key")], "`AWS_ACCESS_KEY_ID` is missing"),
        (&[(KEY, "key"), (ID, "")], "`AWS_ACCESS_KEY_ID` is missing"),
        (&[(TOKEN, "token")], "`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` are missing"),
    ] {
        let failure = failure(&source(variables), &at_level("driver")).await;
        assert_reports(&failure, ErrorKind::Misconfigured, &[missing, "secretKeyRef"]);
    }
}

#[tokio::test]
async fn a_malformed_value_is_refused_by_its_variable() {
    for (variables, name) in
        [([(ID, "canary\n"), (KEY, "key")], ID), ([(ID, "id"), (KEY, "\"canary\"")], KEY)]
    {
        let failure = failure(&source(&variables), &at_level("driver")).await;
        assert_reports(
            &failure,
            ErrorKind::InvalidSecret,
            &[&format!("`{name}` of the driver's environment"), "secretKeyRef"],
        );
        assert!(!format!("{failure:?}").contains("canary"));
    }
}

#[tokio::test]
async fn pods_never_get_them_and_a_fallback_at_secret_level_may() {
    let source = source(&[(ID, "id"), (KEY, "key")]);
    assert!(skipped(&source, &at_level("pod")).await.contains("pod level"));
    assert_pair(&keys(&source, &at_level("secret")).await, "id", "key");
}

#[test]
fn names_and_debug_are_as_they_should_be() {
    let source = source(&[(ID, "canary-id"), (KEY, "canary-key")]);
    assert_eq!(source.name(), source_names::SECRET_ENVIRONMENT);
    assert!(!format!("{source:?}").contains("canary"));
    assert_eq!(source.with_name("legacy").name(), "legacy");
}
