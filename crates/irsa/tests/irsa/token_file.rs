//! What may be in the token file, and what is said about the rest.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use proptest::prelude::*;
use s3_credential_core::ErrorKind;
use s3_credential_irsa::IrsaSettings;

use crate::{Driver, assert_reports, jwt};

const FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";

#[tokio::test]
async fn a_newline_at_the_end_is_no_part_of_the_token() {
    let token = jwt();
    for around in [("", "\n"), ("", "\r\n"), (" ", " \n")] {
        let driver = Driver::with_token(&format!("{}{token}{}", around.0, around.1));
        assert_eq!(driver.identity().await.token.secret().expose(), token, "{around:?}");
    }
}

#[tokio::test]
async fn a_token_that_is_no_jwt_is_for_its_taker_to_judge() {
    for opaque in ["an-opaque-token", "two.parts", "a.b.c.d"] {
        let driver = Driver::with_token(opaque);
        let identity = driver.identity().await;
        assert_eq!(identity.token.secret().expose(), opaque);
        assert_eq!(identity.token.expires_at(), None);
    }
}

#[tokio::test]
async fn a_missing_file_is_a_matter_of_the_drivers_set_up() {
    let driver = Driver::new();
    let failure = driver.failure().await;
    assert_reports(&failure, ErrorKind::Misconfigured, &[FILE, "does not exist", "token\""]);
}

#[tokio::test]
async fn only_a_regular_file_is_read_and_a_fifo_does_not_hang() {
    let driver = Driver::new();
    fs::create_dir(driver.token_file()).unwrap();
    let failure = driver.failure().await;
    assert_reports(&failure, ErrorKind::Misconfigured, &[FILE, "not a regular file"]);
    fs::remove_dir(driver.token_file()).unwrap();

    let made = std::process::Command::new("mkfifo").arg(driver.token_file()).status().unwrap();
    assert!(made.success());
    let failure = tokio::time::timeout(Duration::from_mins(1), driver.failure()).await.unwrap();
    assert_reports(&failure, ErrorKind::Misconfigured, &[FILE, "not a regular file"]);
}

#[tokio::test]
async fn links_that_lead_nowhere_or_in_a_circle_are_reported() {
    let driver = Driver::new();
    symlink("token", driver.token_file()).unwrap();
    assert_reports(&driver.failure().await, ErrorKind::FileSystem, &[FILE]);
    fs::remove_file(driver.token_file()).unwrap();
    symlink("..data/token", driver.token_file()).unwrap();
    assert_reports(&driver.failure().await, ErrorKind::Misconfigured, &[FILE]);
}

#[tokio::test]
async fn what_cannot_be_a_token_is_malformed() {
    let token = jwt();
    let payload_cut = &token[..token.rfind('.').unwrap() - 5];
    let without_signature = &token[..=token.rfind('.').unwrap()];
    let too_long = "t".repeat(20_001);
    for (content, word) in [
        ("", "is empty"),
        ("\n", "is empty"),
        ("to\0ken", "control characters"),
        ("to\x1bken", "control characters"),
        ("two tokens", "white space"),
        ("token\ntoken", "control characters"),
        (&too_long, "longer than 20000 bytes"),
        ("not.a.jwt", "does not decode"),
        (payload_cut, "half-written"),
        (&token[..20], "half-written"),
        (without_signature, "half-written"),
    ] {
        let failure = Driver::with_token(content).failure().await;
        assert_reports(&failure, ErrorKind::MalformedToken, &[FILE, word]);
    }
    let driver = Driver::new();
    fs::write(driver.token_file(), b"\xff\xfe").unwrap();
    assert_reports(&driver.failure().await, ErrorKind::MalformedToken, &[FILE, "UTF-8"]);
    fs::write(driver.token_file(), vec![b't'; 1 << 20]).unwrap();
    assert_reports(&driver.failure().await, ErrorKind::MalformedToken, &[FILE, "larger than"]);
}

#[tokio::test]
async fn a_token_of_the_longest_length_is_read() {
    let driver = Driver::with_token(&format!("{}\n", "t".repeat(20_000)));
    assert_eq!(driver.identity().await.token.secret().len(), 20_000);
}

#[tokio::test]
async fn an_expired_token_is_refused_when_the_skew_of_clocks_cannot_explain_it() {
    let driver = Driver::with_token(&jwt());
    driver.clock.advance(Duration::from_hours(1) + Duration::from_secs(29));
    driver.identity().await;
    driver.clock.advance(Duration::from_secs(1));
    let failure = driver.failure().await;
    assert_reports(&failure, ErrorKind::ExpiredToken, &[FILE, "projected volume"]);
}

#[tokio::test]
async fn a_strange_path_stays_on_one_line() {
    let mut driver = Driver::new();
    let path = "/nowhere/\nE1123 a line of its own\u{1b}[31m";
    driver.environment = driver.environment.with(FILE, path);
    let failure = driver.failure().await;
    assert!(!failure.message().contains(char::is_control), "{failure}");
}

proptest! {
    #[test]
    fn whatever_is_in_the_file_no_message_repeats_it(content in proptest::collection::vec(any::<u8>(), 0..200)) {
        let driver = Driver::new();
        let canary = b"CaNaRyCaNaRy";
        let mut bytes = canary.to_vec();
        bytes.extend(&content);
        bytes.extend(canary);
        fs::write(driver.token_file(), &bytes).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let result = runtime.block_on(async {
            use s3_credential_core::CredentialSource as _;
            driver.source(IrsaSettings::default()).provide(&crate::at_level("driver")).await
        });
        let shown = match &result {
            Ok(_) => format!("{result:?}"),
            Err(error) => format!("{error:?} {error}"),
        };
        prop_assert!(!shown.contains("CaNaRy"));
    }
}
