//! `secret-request`, and how keys are found among the values of any Secret.

use s3_credential_core::{CredentialSource as _, ErrorKind, ProvideContext, source_names};
use s3_credential_secret::{KeyNames, SecretRequestSource};

use crate::{assert_pair, assert_reports, at_level, context, failure, keys, request, skipped};

fn with(secrets: &[(&str, &str)]) -> ProvideContext {
    context(request("secret").with_secrets(secrets.iter().copied()))
}

fn source() -> SecretRequestSource {
    SecretRequestSource::default()
}

fn custom() -> KeyNames {
    KeyNames {
        access_key_id: "user".to_owned(),
        secret_access_key: "password".to_owned(),
        region: "zone".to_owned(),
        ..KeyNames::default()
    }
}

#[tokio::test]
async fn the_names_of_both_drivers_and_of_the_variables_are_known() {
    for names in [
        ["key_id", "access_key", "session_token"],
        ["access_key_id", "secret_access_key", "session_token"],
        ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"],
    ] {
        let long_term = keys(&source(), &with(&[(names[0], "id"), (names[1], "key")])).await;
        assert_pair(&long_term, "id", "key");
        assert!(!long_term.is_temporary());

        let all = with(&[(names[0], "id"), (names[1], "key"), (names[2], "token")]);
        let temporary = keys(&source(), &all).await;
        assert_eq!(temporary.session_token.unwrap().expose(), "token");
    }
}

#[tokio::test]
async fn keys_of_other_stores_are_accepted() {
    for (id, key) in [
        ("2f1c7f4e-7a4f-4b4e-9c58-0c2b2a7f3f10", "8d6f0e0a-8f0e-4a7b-9a83-0f4d2a9b1c11"),
        ("minio_user.team-1", "a secret with spaces; and#hash"),
        ("GK31c2f218a2e44f485b94239e", "+/=_.:-~!@$%^&*()[]{}<>?|"),
    ] {
        let context = with(&[("access_key_id", id), ("secret_access_key", key)]);
        assert_pair(&keys(&source(), &context).await, id, key);
    }
}

#[tokio::test]
async fn a_volume_of_another_level_is_not_served() {
    for level in ["driver", "pod"] {
        let context =
            context(request(level).with_secrets([("key_id", "id"), ("access_key", "key")]));
        assert!(skipped(&source(), &context).await.contains("authenticationSource"));
    }
}

#[tokio::test]
async fn no_secrets_or_none_of_the_names_lead_to_node_publish_secret_ref() {
    for (secrets, word) in [
        (&[][..], "has no secrets"),
        (
            &[("username", "u"), ("region", "eu-north-1")][..],
            "neither of `key_id` and `access_key`",
        ),
        (&[("key_id", ""), ("access_key", "")][..], "neither of"),
    ] {
        let text = skipped(&source(), &with(secrets)).await;
        assert!(text.contains(word) && text.contains("nodePublishSecretRef"), "{text}");
    }
    let source = source().with_key_names(custom()).unwrap();
    assert!(skipped(&source, &with(&[])).await.contains("`user` and `password`"));
}

#[tokio::test]
async fn names_that_are_not_known_are_listed_with_those_that_are() {
    for names in [
        ["accessKeyID", "secretAccessKey"],
        ["access-key", "secret-key"],
        ["AccessKey", "SecretKey"],
        ["rootUser", "rootPassword"],
    ] {
        let secrets = [(names[0], "AKIAHUNTER2"), (names[1], "hunter2"), ("region", "")];
        let text = skipped(&source(), &with(&secrets)).await;
        for part in [names[0], names[1], "access_key_id", "AWS_SECRET_ACCESS_KEY", "keyNames"] {
            assert!(text.contains(&format!("`{part}`")), "{part}: {text}");
        }
        assert!(!text.to_lowercase().contains("hunter2") && !text.contains("`region`"), "{text}");
    }
    let many: Vec<String> = (0..20).map(|n| format!("entry-{n:02}\n")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|name| (name.as_str(), "x")).collect();
    let text = skipped(&source(), &with(&many)).await;
    assert!(text.contains("and 12 more") && !text.contains('\n'), "{text}");
}

#[tokio::test]
async fn half_a_key_is_an_error_that_names_the_other_half() {
    for (secrets, missing) in [
        (&[("key_id", "id")][..], "`access_key` is missing"),
        (&[("access_key", "key")], "`key_id` is missing"),
        (&[("access_key_id", "id")], "`secret_access_key` is missing"),
        (&[("secret_access_key", "key"), ("session_token", "t")], "`access_key_id` is missing"),
        (&[("AWS_SECRET_ACCESS_KEY", "key")], "`AWS_ACCESS_KEY_ID` is missing"),
        (&[("session_token", "t")], "`key_id` and `access_key` are missing"),
        (&[("key_id", "id"), ("access_key", "")], "`access_key` is missing"),
        (&[("key_id", "id"), ("secret_access_key", "key")], "`access_key` is missing"),
    ] {
        let failure = failure(&source(), &with(secrets)).await;
        assert_reports(&failure, ErrorKind::InvalidSecret, &[missing, "the request's secrets"]);
    }
}

#[tokio::test]
async fn configured_names_go_first_and_the_known_ones_are_still_known() {
    let source = source().with_key_names(custom()).unwrap();
    let both = with(&[
        ("user", "u"),
        ("password", "p"),
        ("zone", "eu-north-1"),
        ("key_id", "id"),
        ("access_key", "key"),
    ]);
    let found = keys(&source, &both).await;
    assert_pair(&found, "u", "p");
    assert_eq!(found.region.unwrap().as_str(), "eu-north-1");

    let known = with(&[("key_id", "id"), ("access_key", "key"), ("session_token", "t")]);
    assert_pair(&keys(&source, &known).await, "id", "key");

    let half = with(&[("user", "u"), ("key_id", "id"), ("access_key", "key")]);
    assert_reports(
        &failure(&source, &half).await,
        ErrorKind::InvalidSecret,
        &["`password` is missing"],
    );
}

#[tokio::test]
async fn two_conventions_that_disagree_are_an_error_and_two_that_agree_are_not() {
    let pair = [("key_id", "id"), ("access_key", "key")];
    for (name, other) in [
        ("access_key_id", "`key_id` and `access_key_id` differ"),
        ("AWS_SECRET_ACCESS_KEY", "`access_key` and `AWS_SECRET_ACCESS_KEY` differ"),
    ] {
        let failure = failure(&source(), &with(&[pair[0], pair[1], (name, "another")])).await;
        assert_reports(&failure, ErrorKind::InvalidSecret, &[other]);
    }
    let tokens = [pair[0], pair[1], ("session_token", "t"), ("AWS_SESSION_TOKEN", "u")];
    assert_reports(
        &failure(&source(), &with(&tokens)).await,
        ErrorKind::InvalidSecret,
        &["differ"],
    );

    let agreeing = [pair[0], pair[1], ("access_key_id", "id"), ("secret_access_key", "key")];
    assert_pair(&keys(&source(), &with(&agreeing)).await, "id", "key");
}

#[tokio::test]
async fn what_a_profile_cannot_carry_back_is_refused_by_name() {
    for (value, problem) in [
        ("ke\ny", "control characters"),
        ("ke\0y", "control characters"),
        ("k\u{fffd}y", "not UTF-8"),
        ("key ", "white space"),
        (" key", "white space"),
        ("key\n", "white space"),
        ("key #comment", "comment"),
        ("key ;comment", "comment"),
        ("\"key\"", "quotation mark"),
        ("'key'", "quotation mark"),
        (&"k".repeat((16 << 10) + 1), "longer than"),
    ] {
        for part in 0..3 {
            let mut secrets = [("key_id", "id"), ("access_key", "key"), ("session_token", "token")];
            secrets[part].1 = value;
            let field = format!("`{}` of the request's secrets", secrets[part].0);
            let failure = failure(&source(), &with(&secrets)).await;
            assert_reports(&failure, ErrorKind::InvalidSecret, &[&field, problem]);
        }
    }
}

#[tokio::test]
async fn a_newline_from_echo_is_explained() {
    for (name, value) in
        [("access_key", "key\n"), ("region", "eu-north-1\n"), ("endpoint", "https://s3.example\n")]
    {
        let mut secrets = vec![("key_id", "id"), ("access_key", "key")];
        secrets.retain(|(known, _)| *known != name);
        secrets.push((name, value));
        let failure = failure(&source(), &with(&secrets)).await;
        assert_reports(
            &failure,
            ErrorKind::InvalidSecret,
            &[&format!("`{name}`"), "echo", "printf"],
        );
    }
}

#[tokio::test]
async fn a_region_and_an_endpoint_come_with_the_keys() {
    let pair = [("key_id", "id"), ("access_key", "key")];
    for endpoint in [
        "https://s3.example",
        "http://minio.storage.svc:9000",
        "https://[fd00::1]:8443/",
        "https://store.example/s3",
    ] {
        let secrets = [pair[0], pair[1], ("region", "garage"), ("endpoint", endpoint)];
        let found = keys(&source(), &with(&secrets)).await;
        assert_eq!(found.region.unwrap().as_str(), "garage");
        assert_eq!(found.endpoint.as_deref(), Some(endpoint));
    }
}

#[tokio::test]
async fn a_wrong_region_or_endpoint_is_refused_by_name() {
    let pair = [("key_id", "id"), ("access_key", "key")];
    for region in ["us-east-1a", "us east", "evil.example/"] {
        let failure = failure(&source(), &with(&[pair[0], pair[1], ("region", region)])).await;
        assert_reports(&failure, ErrorKind::InvalidRegion, &["`region` of the request's secrets"]);
    }
    let long = format!("https://s3.example/{}", "p".repeat(2048));
    for endpoint in [
        "s3.example",
        "s3.example:9000",
        "/path",
        "ftp://s3.example",
        "https://",
        "https://:443",
        "https://s3.example:",
        "https://s3.example:99999",
        "https://user@s3.example",
        "https://user:canary@s3.example",
        "https://s3.example?a=b",
        "https://s3.example/#a",
        "https://s3 .example",
        "https://s3.example\u{7}",
        &long,
    ] {
        let failure = failure(&source(), &with(&[pair[0], pair[1], ("endpoint", endpoint)])).await;
        assert_reports(
            &failure,
            ErrorKind::InvalidSecret,
            &["`endpoint` of the request's secrets"],
        );
        assert!(!format!("{failure:?}").contains("canary"));
    }
}

#[test]
fn key_names_that_no_secret_can_have_are_refused() {
    let with = |name: &str| KeyNames { access_key_id: name.to_owned(), ..KeyNames::default() };
    for bad in ["", ".", "..", "..data", "a/b", "a b", "é", "access_key", &"n".repeat(254)] {
        let failure = source().with_key_names(with(bad)).unwrap_err();
        assert_reports(&failure, ErrorKind::Misconfigured, &["key name"]);
    }
    for good in ["user", ".user", "user.name-1_2"] {
        assert!(source().with_key_names(with(good)).is_ok(), "{good}");
    }
}

#[tokio::test]
async fn several_instances_have_names_of_their_own() {
    assert_eq!(source().name(), source_names::SECRET_REQUEST);
    let named = source().with_name("secret-request-custom").with_key_names(custom()).unwrap();
    assert_eq!(named.name(), "secret-request-custom");
    assert!(skipped(&named, &at_level("secret")).await.contains("`user`"));
}
